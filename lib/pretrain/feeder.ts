// Keeps the engine fed: the next views are drawn while it computes on these. A step over micro-batches wants the views
// of each part twice; they are drawn twice, which costs less than keeping them: the same ones, and few fit in memory.
import type { StepResult } from '../native.js'
import type { PretrainSettings } from '../options/pretrain.js'
import { openViewSource, type FedTrainer, type FeedingLoader, type ViewSource } from './view-source.js'

type Shape = Pick<PretrainSettings, 'batchSize' | 'microBatch' | 'channels' | 'imageSize'>
type Hyper = Parameters<FedTrainer['contrast']>[0]

export class Feeder {
  readonly #source: ViewSource
  readonly #trainer: FedTrainer
  readonly #parts: number
  readonly #isMicro: boolean
  /** Draws from the first step that was asked for, how many of them were used, and how many there will be. */
  #drawn = 0
  #used = 0
  readonly #draws: number
  readonly #done: number
  #next: Promise<unknown> = Promise.resolve()
  #wait = 0

  private constructor(source: ViewSource, trainer: FedTrainer, shape: Shape, done: number, last: number) {
    const { batchSize, microBatch } = shape
    this.#source = source
    this.#trainer = trainer
    this.#isMicro = microBatch !== undefined
    this.#parts = batchSize / (microBatch ?? batchSize)
    this.#done = done
    this.#draws = (last - done) * this.#drawsOfStep
    this.#draw()
  }

  /** Draws the first views of step `done` + 1 at once; `last` is the run's last step. */
  static async open(
    loader: FeedingLoader,
    trainer: FedTrainer,
    shape: Shape,
    done: number,
    last: number,
  ): Promise<Feeder> {
    const { batchSize, microBatch, channels, imageSize } = shape
    const elements = (microBatch ?? batchSize) * channels * imageSize ** 2
    return new Feeder(await openViewSource(loader, trainer, elements), trainer, shape, done, last)
  }

  /** Runs the next step; `wait`: seconds that it waited for views. */
  async step(hyper: Hyper): Promise<StepResult & { readonly wait: number }> {
    this.#wait = 0
    const result = this.#isMicro ? await this.#partwise(hyper) : await this.#whole(hyper)
    return { ...result, wait: this.#wait }
  }

  /** Waits for what is being drawn, for a result that nobody wants. */
  async end(): Promise<void> {
    await this.#next.catch(() => undefined)
  }

  #whole(hyper: Hyper): Promise<StepResult> {
    return this.#feed((step) => this.#source.step(step, hyper))
  }

  async #partwise(hyper: Hyper): Promise<StepResult> {
    const source = this.#source
    let seconds = 0
    for (let part = 0; part < this.#parts; part += 1)
      seconds += await this.#feed((step) => source.rehearse(step, part, hyper))
    const result = await this.#trainer.contrast(hyper)
    for (let part = 0; part < this.#parts; part += 1)
      seconds += await this.#feed((step) => source.accumulate(step, part, hyper))
    return { ...result, seconds: seconds + result.seconds }
  }

  /** Lets the views that were drawn last be used, and draws the next ones meanwhile. */
  async #feed<Result>(use: (step: number) => Promise<Result>): Promise<Result> {
    const start = performance.now()
    await this.#next
    this.#wait += (performance.now() - start) / 1000
    const result = use(this.#stepOf(this.#used))
    result.catch(() => undefined) // reported below
    this.#used += 1
    this.#draw()
    return result
  }

  get #drawsOfStep(): number {
    return this.#isMicro ? 2 * this.#parts : 1
  }

  #stepOf(draw: number): number {
    return this.#done + Math.floor(draw / this.#drawsOfStep)
  }

  #draw(): void {
    if (this.#drawn === this.#draws) return
    this.#next = this.#source.draw(this.#stepOf(this.#drawn), this.#drawn % this.#parts, this.#parts)
    this.#drawn += 1
    this.#next.catch(() => undefined) // reported when the step wants it
  }
}
