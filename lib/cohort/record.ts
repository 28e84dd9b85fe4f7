// What cohort.json says of a subject: the truth that later tasks learn from and are judged by.
import type { CohortDataset } from '../options/cohort.js'
import type { TumourKind } from './tumour.js'

/** The smallest box around a label, in stored voxels (first index fastest): `low` is inside, `high` just outside. */
export interface Box {
  readonly low: readonly [number, number, number]
  readonly high: readonly [number, number, number]
}

export interface VolumeRecord {
  /** Below the cohort's folder, with '/'. */
  readonly path: string
  readonly contrast: string
  readonly session: string
  /** Of the whole tumour, its oedema included, and of its solid part. */
  readonly tumourBox: Box | null
  readonly coreBox: Box | null
  /** Masks, below the cohort's folder; null where nothing is to be marked. */
  readonly tumourMask: string | null
  readonly hippocampusMask: string | null
  readonly hippocampusVisible: boolean
}

export interface SubjectRecord {
  readonly dataset: CohortDataset
  readonly id: string
  readonly age: number
  readonly tumour: TumourKind
  readonly sessions: readonly string[]
  readonly volumes: readonly VolumeRecord[]
  /** Rows of fastMRI+'s brain.csv. */
  readonly boxes: readonly string[]
}

/** What one subject is drawn from. */
export interface SubjectJob {
  readonly dataset: CohortDataset
  /** Among the dataset's. */
  readonly index: number
  readonly seed: number
  readonly size: number
  readonly out: string
}

/** The box of the labels that count, or null when there are none. */
export function boxOf(
  labels: Uint8Array,
  shape: readonly [number, number, number],
  counts: (label: number) => boolean,
): Box | null {
  const low: [number, number, number] = [Infinity, Infinity, Infinity]
  const high: [number, number, number] = [0, 0, 0]
  for (let at = 0; at < labels.length; at += 1) {
    if (!counts(labels[at] ?? 0)) continue
    const place = [
      at % shape[0],
      Math.floor(at / shape[0]) % shape[1],
      Math.floor(at / (shape[0] * shape[1])),
    ] as const
    for (const axis of [0, 1, 2] as const) {
      low[axis] = Math.min(low[axis], place[axis])
      high[axis] = Math.max(high[axis], place[axis] + 1)
    }
  }
  return high[0] === 0 ? null : { low, high }
}
