// The threads that write a run's manifest and its report.
import { Worker } from 'node:worker_threads'
import { errorCodes, GyrusError, type ErrorCode } from '../errors.js'
import type { Thumbnail } from './report/montage.js'
import type { Found, WriterAnswer, WriterOrder, WriterTask } from './writer-thread.js'

export class Writer {
  readonly #thread: Worker
  /** The answer to the order to write, of which there is one; or what ended the thread before. */
  readonly #answer: Promise<WriterAnswer>

  constructor(task: WriterTask) {
    this.#thread = new Worker(new URL('./writer-thread.js', import.meta.url), { workerData: { task } })
    // A program that leaves a run alone can end.
    this.#thread.unref()
    this.#answer = new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        reject(new GyrusError('ERR_GYRUS_INTERNAL', `the thread that writes the ${task} failed`, { cause }))
      }
      this.#thread.once('message', resolve).once('error', fail).once('exit', fail)
    })
    this.#answer.catch(() => undefined) // awaited when the file is written
  }

  /** Pictures of a volume, for the report. */
  show(volume: number, thumbnails: readonly Thumbnail[]): void {
    this.#send({ volume, thumbnails })
  }

  /** The file is on the disk when the promise settles. */
  async write(path: string, found: Found): Promise<void> {
    this.#thread.ref()
    this.#send({ path, found })
    const answer = await this.#answer
    if ('isDone' in answer) return
    const code = (errorCodes as readonly string[]).includes(answer.code)
      ? (answer.code as ErrorCode)
      : 'ERR_GYRUS_INTERNAL'
    throw new GyrusError(code, answer.message, { cause: answer.stack })
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }

  #send(order: WriterOrder): void {
    this.#thread.postMessage(order)
  }
}
