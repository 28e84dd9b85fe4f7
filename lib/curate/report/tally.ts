// What the report's figures show, counted in one pass over the slices: histograms by dataset, the plane of position and
// entropy, and reasons. Their size depends on the bins, not on how many slices there are.
import type { JudgedVolume } from '../result.js'
import { positionOf, reasons, type Reason } from '../select.js'

/** A bin of a histogram over [from, to). */
export interface Bar {
  readonly from: number
  readonly to: number
  kept: number
  dropped: number
}

/** A cell of the plane of position (x) and entropy (y). */
export interface Cell {
  readonly x: number
  readonly y: number
  kept: number
  considered: number
}

export interface DatasetTally {
  readonly dataset: string
  readonly position: readonly Bar[]
  readonly entropy: readonly Bar[]
  readonly cells: readonly Cell[]
  readonly counts: Readonly<Record<Reason, number>>
  considered: number
}

export const maxBits = 8 // of 256 grey levels
export const cellsAcross = 32
export const cellsUp = 32
const entropyBars = 64
const positionBars = 32

function makeBars(count: number, end: number): Bar[] {
  return Array.from({ length: count }, (_, at) => ({
    from: (at * end) / count,
    to: ((at + 1) * end) / count,
    kept: 0,
    dropped: 0,
  }))
}

/** The bin of a value in [0, end]; the last one includes its upper edge. */
function binOf(value: number, end: number, count: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor((value / end) * count)))
}

function add(bars: Bar[], value: number, end: number, isKept: boolean): void {
  const bar = bars[binOf(value, end, bars.length)]
  if (bar === undefined) return
  if (isKept) bar.kept += 1
  else bar.dropped += 1
}

class DatasetCounter implements DatasetTally {
  readonly position = makeBars(positionBars, 1)
  readonly entropy = makeBars(entropyBars, maxBits)
  readonly cells: Cell[] = Array.from({ length: cellsAcross * cellsUp }, (_, at) => ({
    x: at % cellsAcross,
    y: Math.floor(at / cellsAcross),
    kept: 0,
    considered: 0,
  }))
  readonly counts = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>
  considered = 0

  constructor(readonly dataset: string) {}

  add(bits: number, position: number, reason: Reason): void {
    const isKept = reason === 'kept'
    this.considered += 1
    this.counts[reason] += 1
    add(this.entropy, bits, maxBits, isKept)
    if (Number.isNaN(position)) return // a single image has no place in a volume
    add(this.position, position, 1, isKept)
    const cell = this.cells[binOf(bits, maxBits, cellsUp) * cellsAcross + binOf(position, 1, cellsAcross)]
    if (cell === undefined) return
    cell.considered += 1
    if (isKept) cell.kept += 1
  }
}

/** One tally a dataset, in the order of their names. */
export function tallyByDataset(judged: readonly JudgedVolume[]): DatasetTally[] {
  const counters = new Map<string, DatasetCounter>()
  for (const { source, entry, marks } of judged) {
    const counter = counters.get(source.dataset) ?? new DatasetCounter(source.dataset)
    counters.set(source.dataset, counter)
    if (entry.kind === 'unreadable') counter.counts.unreadable += 1
    else {
      for (const [index, reason] of marks.entries())
        counter.add(entry.entropy[index] ?? 0, positionOf(index, marks.length), reason)
    }
  }
  return [...counters.values()].sort((a, b) => (a.dataset < b.dataset ? -1 : 1))
}
