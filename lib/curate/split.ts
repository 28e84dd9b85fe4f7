// Training and validation, so that no person is in both: a subject's name decides, and the seed.
import { createHash } from 'node:crypto'

/** 'val' for about `fraction` of all subjects; the same subject is always on the same side. */
export function splitOf(dataset: string, subject: string, fraction: number, seed: number): 'train' | 'val' {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, dataset, subject]))
    .digest()
  return digest.readUInt32BE(0) / 2 ** 32 < fraction ? 'val' : 'train'
}
