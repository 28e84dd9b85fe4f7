// What a run tells: to whoever consumes pretrain(), and to its two logs.
import type { EmbeddingHealth } from '../native.js'

/** A line of metrics.jsonl: what two runs of the same configuration have in common to the last bit. */
export interface StepMetrics {
  readonly step: number
  readonly epoch: number
  readonly loss: number
  /** Share of images whose most similar key is their own. */
  readonly top1: number
  readonly lr: number
  /** Of the momentum encoder, where the method has one. */
  readonly momentum?: number
  readonly health?: EmbeddingHealth
  /** Balanced accuracy of the nearest-neighbour probe. */
  readonly probe?: number
}

/** A line of timings.jsonl. */
export interface StepTiming {
  readonly step: number
  /** From the end of the step before. */
  readonly seconds: number
  /** Of them, spent waiting for slices. */
  readonly wait: number
}

/** What happens, as it happens. */
export type PretrainEvent =
  | {
      readonly type: 'start'
      readonly steps: number
      readonly stepsPerEpoch: number
      /** Steps that an earlier process has done. */
      readonly resumed: number
      readonly slices: number
      readonly device: string
      readonly precision: string
      readonly threads: number
      /** Where views are made of slices: on the CPU by the loader's threads, or on the GPU by the step itself. */
      readonly augmentedOn: 'cpu' | 'cuda'
      /** Loss of embeddings that say nothing. */
      readonly chance: number
    }
  | ({
      readonly type: 'step'
      readonly steps: number
      readonly pairsPerSecond: number
      /** Share of the time spent waiting for slices. */
      readonly waitShare: number
      readonly etaSeconds: number
    } & StepMetrics)
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string }
  | { readonly type: 'warning'; readonly message: string }
  | {
      readonly type: 'done'
      readonly out: string
      readonly steps: number
      readonly backbone: string
      readonly report: string
      readonly seconds: number
    }
