// What the threads that write a run's manifest and report have in common: they load what they need of other packages, a
// quarter of a second's worth, while the readers are at work; take what is found as it comes; write when told to.
import { parentPort, workerData } from 'node:worker_threads'
import type { SkippedFile, VolumeSource } from '../datasets/source.js'
import { packError, type PackedError } from '../errors.js'
import type { CurateSettings } from '../options/curate.js'
import type { Extracted, Measured, Unreadable } from './journal.js'
import type { Thumbnail } from './report/montage.js'

/** What a thread knows from the start. */
export interface Run {
  /** Of the file that it writes. */
  readonly path: string
  readonly settings: CurateSettings
  readonly volumes: readonly VolumeSource[]
}

/** What a run found, in its one pass or two. */
export interface Found {
  readonly first: readonly (Measured | Unreadable)[]
  readonly second: readonly (Extracted | Unreadable)[]
  /** Files and folders left out before they were opened. */
  readonly skipped: readonly SkippedFile[]
}

/** Pictures of a volume, by its place in the plan. */
export interface Pictures {
  readonly volume: number
  readonly thumbnails: readonly Thumbnail[]
}

/** `pieces`: of what the thread takes, in order; `end`: what it finishes with. */
export type WriterOrder = { readonly pieces: readonly unknown[] } | { readonly end: unknown }

export type WriterAnswer = { readonly isDone: true } | PackedError

/** Follows the orders that come, one after the other; answers the last one, or the first that failed. */
export function serveWriter(
  begin: (run: Run) => {
    take: (piece: never) => Promise<void> | void
    finish: (end: never) => Promise<void>
  },
): void {
  const writer = begin(workerData as Run)
  let last = Promise.resolve()
  parentPort?.on('message', (order: WriterOrder) => {
    last = last.then(async () => {
      if ('pieces' in order) {
        for (const piece of order.pieces) await writer.take(piece as never)
      } else {
        await writer.finish(order.end as never)
        answer({ isDone: true })
      }
    })
    last.catch((error: unknown) => {
      answer(packError(error))
    })
  })
}

function answer(message: WriterAnswer): void {
  parentPort?.postMessage(message)
}
