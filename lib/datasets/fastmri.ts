// fastMRI brain: multicoil_train/file_brain_<acquisition>_<site>_<id>.h5. The name tells the scan; who was scanned is
// the attribute patient_id inside the file, which curation reads with the images.
import { fileName, partOf, type Adapter } from './adapter.js'

const pattern = /^file_brain_(AX[A-Z0-9]+)_(\d+)_(\d+)\.h5$/
const contrasts: Readonly<Record<string, string>> = {
  AXT1: 't1',
  AXT1PRE: 't1',
  AXT1POST: 't1ce',
  AXT2: 't2',
  AXFLAIR: 'flair',
}
const parts = [
  [/^multicoil_train/, 'train'],
  [/^multicoil_val/, 'val'],
  [/^multicoil_(test|challenge)/, 'test'],
] as const

export const fastmri: Adapter = {
  name: 'fastmri',
  claim(segments) {
    const match = pattern.exec(fileName(segments))
    if (match === null) return undefined
    const [, acquisition = '', site = '', id = ''] = match
    return {
      subject: `${site}_${id}`,
      session: '',
      contrast: contrasts[acquisition] ?? 'unknown',
      part: partOf(segments.slice(0, -1), parts) ?? 'train',
      format: 'fastmri',
    }
  },
}
