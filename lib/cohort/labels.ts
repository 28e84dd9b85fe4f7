// labels.csv: for each slice of the cohort what `gyrus pretrain --probe` and later tasks may ask of it. A slice is
// named as curation's manifest names it; those that a tumour only grazes are left out.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readVolume } from '../volume.js'
import { writeError } from '../write-file.js'
import type { SubjectRecord, VolumeRecord } from './record.js'

/** Share of a slice's pixels that a tumour must cover to be its label. */
const leastShare = 0.002

export async function writeSliceLabels(out: string, records: readonly SubjectRecord[]): Promise<void> {
  const lines = ['dataset,source_path,index,label']
  for (const { dataset, tumour, volumes } of records) {
    for (const volume of volumes) {
      const path = volume.path.slice(dataset.length + 1)
      const labels =
        volume.tumourMask === null ? await healthy(out, volume) : await masked(out, volume.tumourMask, tumour)
      labels.forEach((label, index) => {
        if (label !== '') lines.push(`${dataset},${path},${index},${label}`)
      })
    }
  }
  const file = join(out, 'labels.csv')
  await writeFile(file, `${lines.join('\n')}\n`).catch((error: unknown) => {
    throw writeError(file, error)
  })
}

async function healthy(out: string, { path }: VolumeRecord): Promise<string[]> {
  const { shape } = await readVolume(join(out, path))
  return Array.from({ length: shape[2] }, () => 'none')
}

async function masked(out: string, mask: string, tumour: string): Promise<string[]> {
  const { shape, data } = await readVolume(join(out, mask))
  const pixels = shape[0] * shape[1]
  return Array.from({ length: shape[2] }, (_, index) => {
    const covered = data
      .subarray(index * pixels, (index + 1) * pixels)
      .reduce((sum, label) => sum + (label > 0 ? 1 : 0), 0)
    if (covered === 0) return 'none'
    return covered >= leastShare * pixels ? tumour : ''
  })
}
