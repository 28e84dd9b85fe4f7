// The numbers of one cell: which rows of which shards are trained on, validated on and tested on, with their classes.
import type { LabelledSet } from '../../labelled/labelled-set.js'
import { takeFraction, type Split } from '../../labelled/split.js'

export interface Side {
  /** Rows of the shards. */
  readonly rows: Uint32Array
  readonly labels: Int32Array
}

export interface CellData {
  readonly shards: readonly string[]
  readonly classes: number
  readonly train: Side
  readonly val: Side
  readonly test: Side
  /** The class of a row of the training. */
  readonly labelOfRow: ReadonlyMap<number, number>
}

export function cellData(set: LabelledSet, split: Split, fraction: number, seed: number): CellData {
  const train = sideOf(set, takeFraction(set, split.train, fraction, seed))
  return {
    shards: set.shards,
    classes: set.classes.length,
    train,
    val: sideOf(set, split.val),
    test: sideOf(set, split.test),
    labelOfRow: new Map([...train.rows].map((row, at) => [row, train.labels[at] ?? 0])),
  }
}

export function sideOf(set: LabelledSet, places: readonly number[]): Side {
  return {
    rows: Uint32Array.from(places, (place) => set.rows[place] ?? 0),
    labels: Int32Array.from(places, (place) => set.labels[place] ?? 0),
  }
}

export function testLabels({ set, split }: { readonly set: LabelledSet; readonly split: Split }): Int32Array {
  return sideOf(set, split.test).labels
}
