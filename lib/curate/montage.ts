// Slices to look at in the report: of a few volumes spread over the set, those that each threshold nearly dropped and
// nearly kept.
import type { CurateSettings } from '../options/curate.js'
import { positionOf, type Reason } from './select.js'

/** Volumes that are shown, and pixels of a picture's side. */
const shownVolumes = 12
export const thumbnailSize = 96

export const thresholds = ['position', 'entropy-low', 'entropy-high', 'quota'] as const
export type Threshold = (typeof thresholds)[number]

/** A slice on one side of a threshold. */
export interface Shown {
  readonly threshold: Threshold
  readonly index: number
  readonly isKept: boolean
}

export interface Thumbnail extends Shown {
  readonly volume: number
  readonly bits: number
  /** 8-bit grey, thumbnailSize x thumbnailSize. */
  readonly pixels: Uint8Array
}

/** Whether the report shows slices of this volume: a dozen, evenly spread. */
export function isShown(volume: number, volumes: number): boolean {
  if (volumes <= shownVolumes) return true
  return Math.floor(((volume + 1) * shownVolumes) / volumes) > Math.floor((volume * shownVolumes) / volumes)
}

/** Of one volume, the slice on either side of each threshold that is nearest to it, where there is one. */
export function nearThresholds(
  entropy: ArrayLike<number>,
  marks: readonly Reason[],
  settings: CurateSettings,
): Shown[] {
  const count = marks.length
  const distances: Readonly<Record<Threshold, (index: number) => number>> = {
    position: (index) =>
      Math.min(...settings.position.map((edge) => Math.abs(positionOf(index, count) - edge))),
    'entropy-low': (index) => Math.abs((entropy[index] ?? 0) - settings.entropyMin),
    'entropy-high': (index) => Math.abs((entropy[index] ?? 0) - settings.entropyMax),
    quota: (index) => Math.abs((entropy[index] ?? 0) - lowestKept(entropy, marks)),
  }
  return thresholds.flatMap((threshold) => {
    const nearest = (reason: Reason): number | undefined => {
      const own = [...marks.keys()].filter((index) => marks[index] === reason)
      const distance = distances[threshold]
      return own.sort((a, b) => distance(a) - distance(b) || a - b)[0]
    }
    const dropped = nearest(threshold)
    const kept = nearest('kept')
    if (dropped === undefined) return []
    const shown: Shown[] = [{ threshold, index: dropped, isKept: false }]
    return kept === undefined ? shown : [{ threshold, index: kept, isKept: true }, ...shown]
  })
}

function lowestKept(entropy: ArrayLike<number>, marks: readonly Reason[]): number {
  const kept = [...marks.keys()].filter((index) => marks[index] === 'kept')
  return Math.min(...kept.map((index) => entropy[index] ?? 0))
}

/** 16-bit slices that follow one another as 8-bit pictures. */
export function toThumbnails(
  volume: number,
  shown: readonly Shown[],
  entropy: ArrayLike<number>,
  slices: Uint16Array,
): Thumbnail[] {
  const pixels = thumbnailSize ** 2
  return shown.map((one, at) => ({
    ...one,
    volume,
    bits: entropy[one.index] ?? 0,
    pixels: Uint8Array.from(slices.subarray(at * pixels, (at + 1) * pixels), (level) => level >>> 8),
  }))
}
