// What fine-tuning and comparing tell, as it happens.
import type { Calibration } from '../../metrics/calibration.js'
import type { Confusion, Scores } from '../../metrics/confusion.js'
import type { Interval } from '../../metrics/bootstrap.js'
import type { PairedTest } from '../../metrics/paired.js'

/** One pass over the training images. */
export interface Epoch {
  readonly epoch: number
  /** Means over the pass. */
  readonly loss: number
  readonly trainAccuracy: number
  readonly lr: number
  /** On the validation images; absent when there are none. */
  readonly valLoss?: number
  readonly valAccuracy?: number
  readonly valF1?: number
}

export interface TestFigures extends Scores {
  /** Undefined when a class is not among the test images. */
  readonly auroc: number | undefined
  readonly loss: number
  readonly calibration: Calibration
  readonly confusion: Confusion
  readonly count: number
}

export type ScoreName = 'accuracy' | 'macroPrecision' | 'macroRecall' | 'f1' | 'macroF1'
export const scoreNames: readonly ScoreName[] = ['accuracy', 'macroPrecision', 'macroRecall', 'f1', 'macroF1']

/** The test's figures with intervals, by drawing test images again. */
export interface Report extends TestFigures {
  readonly intervals: Readonly<Record<ScoreName, Interval>>
  /** Absent where there is no AUROC. */
  readonly aurocInterval?: Interval
}

/** An arm with a share of the labels, over its seeds. */
export interface ComparisonRow {
  readonly arm: string
  readonly labelFraction: number
  /** Training images, on average over the seeds. */
  readonly trained: number
  readonly seeds: readonly number[]
  /** Of each seed the learning rate that was chosen; absent where there was no choice. */
  readonly lrs?: readonly number[]
  readonly perSeed: readonly TestFigures[]
  readonly mean: Readonly<Record<ScoreName, number>>
  /** Standard deviation over the seeds; NaN of one. */
  readonly deviation: Readonly<Record<ScoreName, number>>
  /** By drawing test images again, the same for all seeds. */
  readonly interval: Readonly<Record<ScoreName, Interval>>
  readonly auroc: number | undefined
  /** As `interval`; absent where there is no AUROC. */
  readonly aurocInterval?: Interval
  readonly ece: number
  /** Of all seeds together. */
  readonly confusion: Confusion
  /** To the reference arm of the same fraction; undefined for itself. */
  readonly difference?: Readonly<Record<ScoreName, PairedTest>>
  /** p of the accuracy's paired t after Holm's correction for all comparisons of the table. */
  readonly holm?: number
  /** Of the first seed alone, on the test images: how often one arm alone is right, and McNemar's exact p. */
  readonly images?: { readonly onlyOwn: number; readonly onlyReference: number; readonly p: number }
  readonly verdict?: string
}

export type FinetuneEvent =
  | { readonly type: 'preparing'; readonly done: number; readonly total: number }
  | {
      readonly type: 'start'
      readonly classes: readonly string[]
      readonly train: number
      readonly val: number
      readonly test: number
    }
  | { readonly type: 'warning'; readonly message: string }
  | ({ readonly type: 'epoch'; readonly epochs: number; readonly best: number } & Epoch)
  | {
      readonly type: 'done'
      readonly out: string
      readonly figures: Report
      readonly report: string
      /** The best epoch's weights; of the linear method the given ones with its classifier behind them. */
      readonly weights: string
      readonly seconds: number
    }

export type CompareEvent =
  | { readonly type: 'preparing'; readonly done: number; readonly total: number }
  | {
      readonly type: 'start'
      readonly cells: number
      /** Cells that an earlier run has finished. */
      readonly finished: number
      readonly classes: readonly string[]
      readonly train: number
      readonly val: number
      readonly test: number
    }
  | { readonly type: 'warning'; readonly message: string }
  | ({
      readonly type: 'epoch'
      readonly cell: string
      readonly epochs: number
      /** The run's peak learning rate, where one of several is chosen. */
      readonly rate?: number
    } & Epoch)
  | {
      readonly type: 'cell'
      readonly cell: string
      readonly done: number
      readonly cells: number
      readonly accuracy: number
      readonly f1: number
      readonly seconds: number
    }
  | {
      readonly type: 'done'
      readonly out: string
      readonly report: string
      /** Of each arm and label fraction: means, intervals and differences. */
      readonly rows: readonly ComparisonRow[]
      /** What the figures say of each arm, in words. */
      readonly verdicts: readonly string[]
      readonly seconds: number
    }
