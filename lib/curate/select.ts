// Which slices are kept: pure functions of what was measured, the same for every order of work. Ties go to the lower
// index.
import type { CurateSettings } from '../options/curate.js'
import { Random } from '../random.js'

/** Why a slice is in the set, or not. The order is that of the report; 'kept' is first. */
export const reasons = [
  'kept',
  'position',
  'entropy-low',
  'entropy-high',
  'thinned',
  'quota',
  'flat-volume',
  'unreadable',
] as const
export type Reason = (typeof reasons)[number]

export type SelectionSettings = Pick<
  CurateSettings,
  'entropyMin' | 'entropyMax' | 'position' | 'stride' | 'keepFraction' | 'rankBy' | 'seed'
>

/** Relative position of a slice, 0 the lowest and 1 the highest; NaN for a slice that is alone. */
export function positionOf(index: number, count: number): number {
  return count > 1 ? index / (count - 1) : NaN
}

/** The first window that a slice fails, or undefined. A slice without a position passes that window. */
function failedWindow(
  settings: SelectionSettings,
  index: number,
  count: number,
  bits: number,
): Reason | undefined {
  const at = positionOf(index, count)
  if (at < settings.position[0] || at > settings.position[1]) return 'position'
  if (bits < settings.entropyMin) return 'entropy-low'
  if (bits > settings.entropyMax) return 'entropy-high'
  const middle = Math.floor((count - 1) / 2)
  return (index - middle) % settings.stride === 0 ? undefined : 'thinned'
}

/** The windows applied to one volume: a reason for each slice, 'kept' for the candidates that are left. */
export function applyWindows(entropy: Float64Array, isFlat: boolean, settings: SelectionSettings): Reason[] {
  return Array.from(entropy, (bits, index) =>
    isFlat ? 'flat-volume' : (failedWindow(settings, index, entropy.length, bits) ?? 'kept'),
  )
}

/** Indices of the slices with a reason, rising. */
export function indicesOf(reason: Reason, marks: readonly Reason[]): number[] {
  const indices: number[] = []
  marks.forEach((mark, index) => {
    if (mark === reason) indices.push(index)
  })
  return indices
}

/** What decides which candidates stay, the highest first: a volume's entropies, or numbers drawn for it. */
export function scoresOf(
  volume: number,
  entropy: Float64Array,
  { rankBy, seed }: Pick<SelectionSettings, 'rankBy' | 'seed'>,
): Float64Array {
  if (rankBy === 'entropy') return entropy
  const random = new Random(seed, 'rank', volume)
  return entropy.map(() => random.unit())
}

/**
 * How many slices of a volume its share is: the fraction of its slices, rounded up or down. Multiples of the golden
 * ratio decide which, so that the roundings of many volumes cancel out though none knows of the others.
 */
export function shareOf(volume: number, slices: number, fraction: number): number {
  const dither = ((volume + 0.5) * 0.6180339887498949) % 1
  return Math.floor(slices * fraction + dither)
}

/** What is known of a volume when its slices are chosen. */
export interface Measurement {
  /** Place in the plan. */
  readonly volume: number
  readonly entropy: Float64Array
  readonly isFlat: boolean
}

/** The windows, then the share of all slices of some volumes together, by rank. Marks of each volume. */
export function selectShare(volumes: readonly Measurement[], settings: SelectionSettings): Reason[][] {
  const marks = volumes.map(({ entropy, isFlat }) => applyWindows(entropy, isFlat, settings))
  const candidates = volumes.flatMap(({ volume, entropy }, at) => {
    const scores = scoresOf(volume, entropy, settings)
    return indicesOf('kept', marks[at] ?? []).map((index) => ({ at, index, score: scores[index] ?? 0 }))
  })
  candidates.sort((a, b) => b.score - a.score || a.at - b.at || a.index - b.index)
  const slices = volumes.reduce((sum, { entropy }) => sum + entropy.length, 0)
  const share = shareOf(volumes[0]?.volume ?? 0, slices, settings.keepFraction)
  for (const { at, index } of candidates.slice(share)) {
    const own = marks[at]
    if (own !== undefined) own[index] = 'quota'
  }
  return marks
}

/** One volume of a selection over the whole set; `marks` are changed. */
export interface Candidates {
  readonly stratum: string
  readonly scores: Float64Array
  readonly marks: Reason[]
}

/**
 * Keeps `keep` candidates in all. Strata with a quota get it; the others share the rest in proportion to how many
 * slices they have (largest remainder). What a stratum cannot fill goes to the others. Returns how many are kept.
 */
export function selectTotal(
  volumes: readonly Candidates[],
  keep: number,
  quotas: Readonly<Record<string, number>> = {},
): number {
  const strata = new Map<
    string,
    { slices: number; ranked: { volume: number; index: number; score: number }[] }
  >()
  volumes.forEach(({ stratum, scores, marks }, volume) => {
    const entry = strata.get(stratum) ?? { slices: 0, ranked: [] }
    strata.set(stratum, entry)
    entry.slices += scores.length
    marks.forEach((mark, index) => {
      if (mark === 'kept') entry.ranked.push({ volume, index, score: scores[index] ?? 0 })
    })
  })
  const names = [...strata.keys()].sort()
  const rooms = names.map((name) => ({
    weight: strata.get(name)?.slices ?? 0,
    room: Math.min(strata.get(name)?.ranked.length ?? 0, quotas[name] ?? Infinity),
    quota: quotas[name],
  }))
  const granted = divide(keep, rooms)
  let total = 0
  names.forEach((name, at) => {
    const ranked = strata.get(name)?.ranked ?? []
    ranked.sort((a, b) => b.score - a.score || a.volume - b.volume || a.index - b.index)
    const kept = granted[at] ?? 0
    total += kept
    for (const { volume, index } of ranked.slice(kept)) {
      const marks = volumes[volume]?.marks
      if (marks !== undefined) marks[index] = 'quota'
    }
  })
  return total
}

interface Room {
  readonly weight: number
  readonly room: number
  readonly quota: number | undefined
}

/** Divides `total` among rooms: fixed quotas first, then by weight, again and again until the rooms or it are full. */
function divide(total: number, rooms: readonly Room[]): number[] {
  const granted = rooms.map(() => 0)
  let left = total
  rooms.forEach(({ quota, room }, at) => {
    if (quota === undefined) return
    granted[at] = Math.min(room, left)
    left -= granted[at]
  })
  for (;;) {
    const open = [...rooms.keys()].filter(
      (at) => rooms[at]?.quota === undefined && (granted[at] ?? 0) < (rooms[at]?.room ?? 0),
    )
    const weight = open.reduce((sum, at) => sum + (rooms[at]?.weight ?? 0), 0)
    if (left === 0 || weight === 0) return granted
    const shares = largestRemainder(
      left,
      open.map((at) => (rooms[at]?.weight ?? 0) / weight),
    )
    open.forEach((at, i) => {
      const more = Math.min(shares[i] ?? 0, (rooms[at]?.room ?? 0) - (granted[at] ?? 0))
      granted[at] = (granted[at] ?? 0) + more
      left -= more
    })
  }
}

/** Whole numbers in the given proportions that add up to `total`. */
function largestRemainder(total: number, proportions: readonly number[]): number[] {
  const whole = proportions.map((proportion) => Math.floor(total * proportion))
  const missing = total - whole.reduce((sum, count) => sum + count, 0)
  const order = [...proportions.keys()].sort((a, b) => {
    const rest = (at: number): number => total * (proportions[at] ?? 0) - (whole[at] ?? 0)
    return rest(b) - rest(a) || a - b
  })
  for (const at of order.slice(0, missing)) whole[at] = (whole[at] ?? 0) + 1
  return whole
}
