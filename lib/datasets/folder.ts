// A plain folder of volumes and images. The first folder below the root names the subject, where there is none the
// file; the contrast is taken from the file's name if exactly one is mentioned.
import { fileName, type Adapter } from './adapter.js'
import type { SourceFormat } from './source.js'

const formats: readonly (readonly [RegExp, SourceFormat])[] = [
  [/\.nii(\.gz)?$/i, 'nifti'],
  [/\.hdr(\.gz)?$/i, 'nifti'],
  [/\.h5$/i, 'fastmri'],
  [/\.npy$/i, 'npy'],
  [/\.(png|jpe?g)$/i, 'image'],
]
/** Volumes and images that gyrus does not read. */
const otherFormats = /\.(mg[hz]|dcm|ima|nrrd|nhdr|mha|mhd|mnc|par|rec|tiff?|bmp)(\.gz)?$/i
const hints: readonly (readonly [RegExp, string])[] = [
  [/^(t1ce|t1c|t1gd|t1post)$/, 't1ce'],
  [/^(t1|t1w|t1n|mprage)$/, 't1'],
  [/^(t2|t2w)$/, 't2'],
  [/^(flair|t2f)$/, 'flair'],
  [/^(pd|pdw)$/, 'pd'],
  [/^(t2star|swan|gre)$/, 't2star'],
]

function contrastOf(name: string): string {
  const words = name.toLowerCase().split(/[^a-z0-9]+/)
  const found = new Set(
    hints.flatMap(([pattern, contrast]) => (words.some((word) => pattern.test(word)) ? contrast : [])),
  )
  const [only] = found
  return found.size === 1 && only !== undefined ? only : 'unknown'
}

/** Whether a file that nobody claimed is a volume or an image, to judge by its name. */
export function isVolumeLike(path: string): boolean {
  return otherFormats.test(path) || formats.some(([pattern]) => pattern.test(path))
}

export const folder: Adapter = {
  name: 'folder',
  claim(segments) {
    const name = fileName(segments)
    const format = formats.find(([pattern]) => pattern.test(name))?.[1]
    if (format === undefined) return undefined
    // The root's own name comes first.
    const below = segments.slice(1)
    const stem = name.replace(/(\.nii|\.hdr)?\.[^.]+$/, '')
    const subject = below.length > 1 ? (below[0] ?? stem) : stem
    return { subject, session: '', contrast: contrastOf(name), part: '', format }
  },
}
