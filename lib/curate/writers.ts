// The threads that write a run's manifest and its report, as the run sees them.
import { Worker } from 'node:worker_threads'
import { GyrusError, unpackError } from '../errors.js'
import type { Extracted, Measured, Unreadable } from './journal.js'
import type { Found, Pictures, Run, WriterAnswer, WriterOrder } from './writer-thread.js'

/** `Piece`: what it is told while the run goes on; `End`: what it is told when all was found. */
class Writer<Piece, End> {
  readonly #thread: Worker
  /** That the file is written, or what went wrong; or what ended the thread before. */
  readonly #answer: Promise<WriterAnswer>
  readonly #batch: number
  #pieces: Piece[] = []

  /** `batch`: pieces that are sent at once. To wake a thread takes as long as a hundred rows of the manifest. */
  constructor(code: string, run: Run, batch: number) {
    this.#batch = batch
    this.#thread = new Worker(new URL(code, import.meta.url), { workerData: run })
    // A program that leaves a run alone can end.
    this.#thread.unref()
    this.#answer = new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        reject(new GyrusError('ERR_GYRUS_INTERNAL', `the thread that writes ${run.path} failed`, { cause }))
      }
      this.#thread.once('message', resolve).once('error', fail).once('exit', fail)
    })
    this.#answer.catch(() => undefined) // awaited when the file is written
  }

  tell(piece: Piece): void {
    this.#pieces.push(piece)
    if (this.#pieces.length >= this.#batch) this.#sendPieces()
  }

  /** The file is on the disk when the promise settles. */
  async write(end: End): Promise<void> {
    this.#thread.ref()
    this.#sendPieces()
    this.#send({ end })
    const answer = await this.#answer
    if ('isDone' in answer) return
    throw unpackError(answer)
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }

  #sendPieces(): void {
    this.#send({ pieces: this.#pieces })
    this.#pieces = []
  }

  #send(order: WriterOrder): void {
    this.#thread.postMessage(order)
  }
}

/** Is told of volumes as they are committed, and at the end what a second pass found. */
export class ManifestThread extends Writer<Measured | Unreadable, readonly (Extracted | Unreadable)[]> {
  constructor(run: Run) {
    super('./manifest-thread.js', run, 32)
  }
}

/** Is told of pictures as they are taken. */
export class ReportThread extends Writer<Pictures, Found> {
  constructor(run: Run) {
    super('./report-thread.js', run, 1)
  }
}
