// What curate() tells while it works.
import type { Counts } from './result.js'

/** What happens, as it happens. */
export type CurateEvent =
  | {
      readonly type: 'start'
      readonly volumes: number
      /** Volumes that an earlier, interrupted run has done. */
      readonly resumed: number
      readonly skippedFiles: number
    }
  | {
      readonly type: 'progress'
      /** 'scan' measures; 'extract' is the second pass of a run with `keep`. */
      readonly phase: 'scan' | 'extract'
      readonly done: number
      readonly total: number
      readonly slices: number
      readonly kept: number
      /** Of source files, since this process began. */
      readonly megabytes: number
      readonly seconds: number
      readonly etaSeconds: number
    }
  /** A file, or a folder that cannot be listed. */
  | { readonly type: 'unreadable'; readonly path: string; readonly code: string; readonly message: string }
  | ({
      readonly type: 'done'
      readonly out: string
      readonly seconds: number
      /** What was left out before it was opened, by reason: skipped.jsonl names it. */
      readonly skipped: Readonly<Record<string, number>>
    } & Counts)
