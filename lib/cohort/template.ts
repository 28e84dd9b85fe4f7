// A T1 volume of a real head, made ready to be deformed: its values by tissue's levels, and where its brain is. Held in
// shared memory, so that the threads need no copies.
import { GyrusError } from '../errors.js'
import { readVolume, type Volume } from '../volume.js'
import { findBrain } from './brain-mask.js'

export interface Template {
  readonly shape: readonly [number, number, number]
  /** mm -> voxel: per axis, voxel = mm * step + offset. */
  readonly steps: readonly number[]
  readonly offsets: readonly number[]
  /** 255 at the 99.5th percentile of what is not zero. */
  readonly values: Uint8Array
  /** 255 in the brain. */
  readonly brain: Uint8Array
  /** In the scale of `values`: fluid, grey and white matter, fat. */
  readonly levels: readonly [number, number, number, number]
}

/** Template's mm in which a brain's middle lies, where the anterior commissure is 0. */
const usualMiddle = [0, -18, 12] as const
const farOff = 20 // mm: a template in other coordinates is moved

export async function readTemplate(path: string, signal: AbortSignal | undefined): Promise<Template> {
  const volume = await readVolume(path, signal === undefined ? {} : { signal })
  const shape = volume.shape
  if (Math.min(...shape) < 16)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} has ${shape.join(' x ')} voxels: the volume of a whole head is expected as a template`,
    )
  const values = toBytes(volume, path)
  const { affine } = volume
  const at = (row: number, column: number): number => affine[4 * row + column] ?? 0
  const sides = [at(0, 0), at(1, 1), at(2, 2)].map(Math.abs) as [number, number, number]
  const brain = findBrain(values, shape, sides)
  const middle = middleOf(brain, shape)
  if (middle === undefined)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} shows no brain: a T1 volume of a whole head is expected as a template`,
    )
  const mm = middle.map((voxel, axis) => at(axis, axis) * voxel + at(axis, 3))
  const isElsewhere = mm.some((value, axis) => Math.abs(value - (usualMiddle[axis] ?? 0)) > farOff)
  const origins = isElsewhere
    ? middle.map((voxel, axis) => (usualMiddle[axis] ?? 0) - at(axis, axis) * voxel)
    : [at(0, 3), at(1, 3), at(2, 3)]
  return {
    shape,
    steps: [0, 1, 2].map((axis) => 1 / at(axis, axis)),
    offsets: [0, 1, 2].map((axis) => -(origins[axis] ?? 0) / at(axis, axis)),
    values,
    brain,
    levels: levelsOf(values, brain),
  }
}

function shared(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}

function toBytes(volume: Volume, path: string): Uint8Array {
  const { data } = volume
  const bright = data.filter((value) => value > 0).sort()
  const most = bright[Math.floor(0.995 * bright.length)]
  if (most === undefined || !Number.isFinite(most))
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} has no finite values above zero: a T1 volume is expected as a template`,
    )
  const bytes = shared(data.length)
  for (let at = 0; at < data.length; at += 1)
    bytes[at] = Math.round(255 * Math.min(1, Math.max(0, (data[at] ?? 0) / most)))
  return bytes
}

function middleOf(
  brain: Uint8Array,
  shape: readonly [number, number, number],
): readonly number[] | undefined {
  const sums = [0, 0, 0, 0] as [number, number, number, number]
  for (let at = 0; at < brain.length; at += 1) {
    if ((brain[at] ?? 0) < 128) continue
    sums[0] += at % shape[0]
    sums[1] += Math.floor(at / shape[0]) % shape[1]
    sums[2] += Math.floor(at / (shape[0] * shape[1]))
    sums[3] += 1
  }
  return sums[3] < 1000 ? undefined : [sums[0], sums[1], sums[2]].map((sum) => sum / sums[3])
}

/** Means of three classes of the brain's values (Lloyd's iteration on the histogram). */
function levelsOf(values: Uint8Array, brain: Uint8Array): [number, number, number, number] {
  const counts = new Float64Array(256)
  for (let at = 0; at < values.length; at += 1) {
    if ((brain[at] ?? 0) < 128) continue
    const value = values[at] ?? 0
    counts[value] = (counts[value] ?? 0) + 1
  }
  const total = counts.reduce((sum, count) => sum + count, 0)
  let below = 0
  const quantile = (share: number): number => {
    below = 0
    return counts.findIndex((count) => (below += count) >= share * total)
  }
  let means = [quantile(0.03), quantile(0.4), quantile(0.85)]
  for (let round = 0; round < 40; round += 1) {
    const sums = [0, 0, 0]
    const sizes = [1e-9, 1e-9, 1e-9]
    for (const [value, count] of counts.entries()) {
      const distances = means.map((mean) => Math.abs(value - mean))
      const nearest = distances.indexOf(Math.min(...distances))
      sums[nearest] = (sums[nearest] ?? 0) + value * count
      sizes[nearest] = (sizes[nearest] ?? 0) + count
    }
    means = means.map((mean, at) => ((sizes[at] ?? 0) < 1 ? mean : (sums[at] ?? 0) / (sizes[at] ?? 0)))
  }
  const [fluid = 0, grey = 0, white = 0] = means
  return [fluid, Math.max(grey, fluid + 1), Math.max(white, grey + 1, fluid + 2), 245]
}
