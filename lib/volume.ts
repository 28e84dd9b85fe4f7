// One volume of a file, and the entropy of images: the parts of curation that are of use by themselves.
import { totalmem } from 'node:os'
import * as z from 'zod'
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import { native, type NativeVolumeFacts } from './native.js'
import { signal } from './options/encoder.js'
import { parseOptions } from './options/parse.js'

const readVolumeOptions = z.strictObject({
  frame: z.int().min(0).default(0).describe('which volume of a 4-D file'),
  signal,
})
export type ReadVolumeOptions = z.input<typeof readVolumeOptions>

export interface Volume extends NativeVolumeFacts {
  /** Scaled values (slope and intercept applied), x fastest, then y, then z. */
  readonly data: Float32Array
}

/**
 * Reads a NIfTI file (.nii, .nii.gz, .hdr/.img, versions 1 and 2) in closest-canonical order: the first axis runs from
 * left to right, the second from back to front, the third upwards; `affine` is the 4 x 4 matrix, row by row, from the
 * indices of that order to millimetres. A .h5 file gives fastMRI's reconstruction_rss, a .npy file its slices; both
 * have no place in space, only an order. A file that needs more than a quarter of the memory is refused.
 */
export async function readVolume(path: string, options: ReadVolumeOptions = {}): Promise<Volume> {
  if (typeof path !== 'string') throw invalidOption('readVolume: path', 'the path of a volume', path)
  const { frame, signal } = parseOptions(readVolumeOptions, 'readVolume', options)
  const memory = new (native().VolumeMemory)({ keep: 0, most: mostBytes() })
  const reader = new (native().VolumeReader)(memory)
  try {
    const facts = await callEngine(readVolume, signal, (ticket) =>
      reader.open(path, formatOf(path), frame, ticket),
    )
    const data = await callEngine(readVolume, signal, (ticket) => reader.values(ticket))
    return { ...facts, data }
  } finally {
    await reader.dispose()
  }
}

/** That reading one file may take: a quarter of the machine's, or of the container's that confines this process. */
export function mostBytes(): number {
  const limit = process.constrainedMemory()
  return Math.floor((limit > 0 ? Math.min(totalmem(), limit) : totalmem()) / 4)
}

function formatOf(path: string): 'nifti' | 'fastmri' | 'npy' {
  if (path.endsWith('.h5')) return 'fastmri'
  return path.endsWith('.npy') ? 'npy' : 'nifti'
}

/**
 * The Shannon entropy in bits of each of `count` 8-bit images of equal size that follow one another, over 256 grey
 * levels: scikit-image's `shannon_entropy`.
 */
export async function imageEntropies(images: Uint8Array, count: number): Promise<Float64Array> {
  return callEngine(imageEntropies, undefined, () => native().imageEntropies(images, count))
}
