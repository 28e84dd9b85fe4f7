// Confidence intervals by drawing rows again with replacement (Efron 1979), percentiles of the replicates. A
// replicate's draws are a function of (seed, replicate): neither order nor number of replicates changes them.
import { Random } from '../random.js'

export interface Interval {
  readonly low: number
  readonly high: number
}

export interface BootstrapOptions {
  readonly replicates?: number
  /** Share of the replicates inside. */
  readonly confidence?: number
  readonly seed?: number
}

/** `measure`: the figures of a sample of rows 0 to count - 1. Returns an interval for each. */
export function bootstrap(
  count: number,
  measure: (rows: Int32Array) => readonly number[],
  { replicates = 1000, confidence = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval[] {
  const columns: number[][] = []
  const rows = new Int32Array(count)
  for (let replicate = 0; replicate < replicates; replicate += 1) {
    const random = new Random(seed, 'bootstrap', replicate)
    for (let at = 0; at < count; at += 1) rows[at] = random.integer(count)
    measure(rows).forEach((value, column) => (columns[column] ??= []).push(value))
  }
  return columns.map((values) => {
    const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
    return { low: quantile(sorted, (1 - confidence) / 2), high: quantile(sorted, (1 + confidence) / 2) }
  })
}

/** Linear between neighbours, as numpy's default. NaN of nothing. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const [low, high] = [sorted[below] ?? NaN, sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN]
  return low + (high - low) * (position - below)
}
