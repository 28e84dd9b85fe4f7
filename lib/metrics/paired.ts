// Is one arm better than another, seed by seed? Student's paired t, and two tests that assume no distribution:
// the exact sign-flip permutation test, and Wilcoxon's signed ranks. With n seeds the smallest two-sided p of
// the latter two is 2 / 2^n: 0.0625 for five, so that five seeds can never be "significant at 0.05" by them.
import { Random } from '../random.js'
import { studentTail } from './student.js'

export interface PairedTest {
  readonly n: number
  readonly meanDifference: number
  /** Two-sided p-values; NaN where there is nothing to test (one pair, or no difference anywhere). */
  readonly t: number
  readonly permutation: number
  readonly wilcoxon: number
  /** Of the mean difference, by Student's t. */
  readonly interval: { readonly low: number; readonly high: number }
}

const mostExact = 20 // pairs: 2^20 sign patterns
const randomFlips = 100_000

/** `a[i] - b[i]` are the differences. */
export function pairedTest(a: readonly number[], b: readonly number[], confidence = 0.95): PairedTest {
  if (a.length !== b.length) throw new RangeError(`${a.length} figures cannot be paired with ${b.length}`)
  const differences = a.map((value, at) => value - (b[at] ?? NaN))
  const n = differences.length
  const mean = differences.reduce((sum, value) => sum + value, 0) / n
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  const error = Math.sqrt(variance / n)
  // Equal differences leave a rounding error, which is no spread.
  const isEven = error <= 1e-12 * Math.max(...a.map(Math.abs), ...b.map(Math.abs))
  const reach = n < 2 ? NaN : studentTail.inverse((1 - confidence) / 2, n - 1) * error
  return {
    n,
    meanDifference: mean,
    t: n < 2 || isEven ? NaN : 2 * studentTail(Math.abs(mean / error), n - 1),
    permutation: signFlip(differences),
    wilcoxon: signedRanks(differences),
    interval: { low: mean - reach, high: mean + reach },
  }
}

/** How often random signs move the sum as far from 0: exact up to 20 pairs, else by 100,000 draws. */
export function signFlip(differences: readonly number[]): number {
  const n = differences.length
  if (n < 2 || differences.every((value) => value === 0)) return NaN
  const least = Math.abs(differences.reduce((sum, value) => sum + value, 0)) * (1 - 1e-12)
  const isFar = (sign: (at: number) => boolean): boolean =>
    Math.abs(differences.reduce((sum, value, at) => sum + (sign(at) ? value : -value), 0)) >= least
  let far = 0
  if (n <= mostExact) {
    for (let pattern = 0; pattern < 2 ** n; pattern += 1)
      if (isFar((at) => ((pattern >> at) & 1) === 1)) far += 1
    return far / 2 ** n
  }
  for (let draw = 0; draw < randomFlips; draw += 1) {
    const random = new Random('sign-flip', draw)
    if (isFar(() => random.sign() > 0)) far += 1
  }
  return (far + 1) / (randomFlips + 1)
}

/**
 * Wilcoxon's signed-rank test: the exact distribution of the rank sum under random signs, ties and all; zeros are left
 * out. As scipy.stats.wilcoxon(method='exact') where there are neither.
 */
export function signedRanks(differences: readonly number[]): number {
  const kept = differences.filter((value) => value !== 0)
  if (kept.length < 2) return NaN
  const sizes = kept.map(Math.abs)
  // Twice the ranks: shared ranks are halves.
  const ranks = sizes.map(
    (size) =>
      2 * sizes.filter((other) => other < size).length + sizes.filter((other) => other === size).length + 1,
  )
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  let ways = new Float64Array(total + 1) // of each sum of positive ranks
  ways[0] = 1
  for (const rank of ranks) {
    const next = ways.slice()
    for (let sum = rank; sum <= total; sum += 1) next[sum] = (next[sum] ?? 0) + (ways[sum - rank] ?? 0)
    ways = next
  }
  const positive = ranks.reduce((sum, rank, at) => sum + ((kept[at] ?? 0) > 0 ? rank : 0), 0)
  const least = Math.min(positive, total - positive)
  const below = ways.subarray(0, least + 1).reduce((sum, count) => sum + count, 0)
  return Math.min(1, (2 * below) / 2 ** kept.length)
}

/** Holm's correction: p-values, each as large as it must be so that all of them together err as seldom as one alone. */
export function holm(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  const corrected = new Array<number>(values.length).fill(1)
  let least = 0
  order.forEach((at, rank) => {
    least = Math.min(1, Math.max(least, (values.length - rank) * (values[at] ?? 1)))
    corrected[at] = least
  })
  return corrected
}

/** McNemar's exact test of two classifiers on the same rows: `onlyA` are right in the one alone, `onlyB` the other. */
export function mcnemar(onlyA: number, onlyB: number): number {
  const n = onlyA + onlyB
  if (n === 0) return NaN
  let tail = 0
  let logWays = 0 // of k among n
  for (let k = 0; k <= Math.min(onlyA, onlyB); k += 1) {
    if (k > 0) logWays += Math.log((n - k + 1) / k)
    tail += Math.exp(logWays - n * Math.LN2)
  }
  return Math.min(1, 2 * tail)
}
