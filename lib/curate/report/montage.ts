// Slices to look at in the report: of a few volumes spread over the set, those that each threshold nearly dropped and
// nearly kept.
import type { VolumeSource } from '../../datasets/source.js'
import type { CurateSettings } from '../../options/curate.js'
import { indicesOf, positionOf, type Reason } from '../select.js'

/** Volumes that are shown, in all and at least of each dataset; and pixels of a picture's side. */
const shownVolumes = 12
const shownOfDataset = 3
export const thumbnailSize = 100

/** Reasons to be dropped that have a near side and a far side, in the order of the report. */
export const thresholds = ['position', 'entropy-low', 'entropy-high', 'quota'] as const
export type Threshold = (typeof thresholds)[number]

/** A slice on one side of a threshold. */
export interface Shown {
  readonly threshold: Threshold
  readonly index: number
  readonly isKept: boolean
}

/** A slice that is shown, and its entropy. */
export interface ShownSlice extends Shown {
  readonly bits: number
}

export interface Thumbnail extends ShownSlice {
  /** 8-bit grey, thumbnailSize x thumbnailSize. */
  readonly pixels: Uint8Array
}

/** The volumes whose slices are shown, by their place in the plan: some of each dataset, evenly spread. */
export function chooseVolumes(volumes: readonly VolumeSource[]): ReadonlySet<number> {
  const byDataset = new Map<string, number[]>()
  for (const [volume, { dataset }] of volumes.entries()) {
    const own = byDataset.get(dataset)
    if (own === undefined) byDataset.set(dataset, [volume])
    else own.push(volume)
  }
  const each = Math.max(shownOfDataset, Math.floor(shownVolumes / byDataset.size))
  return new Set(
    [...byDataset.values()].flatMap((own) => {
      const count = Math.min(each, own.length)
      return Array.from({ length: count }, (_, at) => own[Math.floor(((at + 0.5) * own.length) / count)] ?? 0)
    }),
  )
}

/** Of one volume, the slice on either side of each threshold that is nearest to it, where there is a dropped one. */
export function nearThresholds(
  entropy: ArrayLike<number>,
  marks: readonly Reason[],
  settings: CurateSettings,
): Shown[] {
  const bits = (index: number): number => entropy[index] ?? 0
  const kept = indicesOf('kept', marks)
  const poorest = Math.min(...kept.map(bits))
  const distances: Readonly<Record<Threshold, (index: number) => number>> = {
    position: (index) =>
      Math.min(...settings.position.map((edge) => Math.abs(positionOf(index, marks.length) - edge))),
    'entropy-low': (index) => Math.abs(bits(index) - settings.entropyMin),
    'entropy-high': (index) => Math.abs(bits(index) - settings.entropyMax),
    quota: (index) => Math.abs(bits(index) - poorest),
  }
  return thresholds.flatMap((threshold) => {
    const distance = distances[threshold]
    const nearest = (indices: readonly number[]): number | undefined =>
      [...indices].sort((a, b) => distance(a) - distance(b) || a - b)[0]
    const dropped = nearest(indicesOf(threshold, marks))
    if (dropped === undefined) return []
    const keptOne = nearest(kept)
    const shown: Shown[] = [{ threshold, index: dropped, isKept: false }]
    return keptOne === undefined ? shown : [{ threshold, index: keptOne, isKept: true }, ...shown]
  })
}

/** 16-bit slices that follow one another, as 8-bit pictures. */
export function toThumbnails(
  shown: readonly Shown[],
  entropy: ArrayLike<number>,
  slices: Uint16Array,
): Thumbnail[] {
  const size = thumbnailSize ** 2
  return shown.map((one, at) => {
    const pixels = new Uint8Array(size)
    for (let pixel = 0; pixel < size; pixel += 1) pixels[pixel] = (slices[at * size + pixel] ?? 0) >>> 8
    return { ...one, bits: entropy[one.index] ?? 0, pixels }
  })
}
