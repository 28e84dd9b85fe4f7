// The logs of a run: metrics.jsonl, timings.jsonl, and TensorBoard's events.
import { join } from 'node:path'
import type { StepMetrics, StepTiming } from './events.js'
import { EventFile } from './event-file.js'
import { JsonLines } from '../run/json-lines.js'

export class RunLog {
  readonly #metrics: JsonLines<StepMetrics>
  readonly #timings: JsonLines<StepTiming>
  readonly #events: EventFile
  readonly #batchSize: number

  private constructor(
    metrics: JsonLines<StepMetrics>,
    timings: JsonLines<StepTiming>,
    events: EventFile,
    batchSize: number,
  ) {
    this.#metrics = metrics
    this.#timings = timings
    this.#events = events
    this.#batchSize = batchSize
  }

  /** Goes on behind the lines of the first `done` steps. */
  static async open(folder: string, done: number, batchSize: number): Promise<RunLog> {
    const metrics = await JsonLines.open<StepMetrics>(join(folder, 'metrics.jsonl'), done)
    try {
      const timings = await JsonLines.open<StepTiming>(join(folder, 'timings.jsonl'), done)
      try {
        return new RunLog(metrics, timings, await EventFile.create(folder), batchSize)
      } catch (error) {
        await timings.close()
        throw error
      }
    } catch (error) {
      await metrics.close()
      throw error
    }
  }

  async record(metrics: StepMetrics, timing: StepTiming): Promise<void> {
    await this.#metrics.append(metrics)
    await this.#timings.append(timing)
    const { step, loss, top1, lr, momentum, health, probe } = metrics
    await this.#events.scalars(step, {
      'train/loss': loss,
      'train/top1': top1,
      'schedule/lr': lr,
      ...(momentum === undefined ? {} : { 'schedule/momentum': momentum }),
      'speed/pairs_per_second': this.#batchSize / timing.seconds,
      'speed/data_wait': timing.wait / timing.seconds,
      ...Object.fromEntries(
        Object.entries(health ?? {}).map(([name, value]) => [`embeddings/${name}`, value]),
      ),
      ...(probe === undefined ? {} : { 'probe/knn': probe }),
    })
  }

  /** Waits until the disk has every line: what a checkpoint goes back to must be there. */
  async sync(): Promise<void> {
    await this.#metrics.sync()
    await this.#timings.sync()
  }

  async close(): Promise<void> {
    await this.#metrics.close()
    await this.#timings.close()
    await this.#events.close()
  }
}
