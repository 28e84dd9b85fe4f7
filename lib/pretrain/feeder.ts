// Keeps the engine fed: the next views are drawn while it computes on these. A step over micro-batches wants the views
// of each part twice; they are drawn twice, which costs less than keeping them: the same ones, and few fit in memory.
import type { ContrastiveTrainer } from '../contrastive-trainer.js'
import type { StepResult } from '../native.js'
import type { PretrainSettings } from '../options/pretrain.js'
import type { ViewLoader } from '../view-loader.js'

interface Views {
  readonly x1: Float32Array
  readonly x2: Float32Array
}

type Shape = Pick<PretrainSettings, 'batchSize' | 'microBatch' | 'channels' | 'imageSize'>
type Hyper = Parameters<ContrastiveTrainer['contrast']>[0]

export class Feeder {
  readonly #loader: ViewLoader
  readonly #trainer: ContrastiveTrainer
  readonly #parts: number
  readonly #isMicro: boolean
  readonly #buffers: readonly [Views, Views]
  /** Draws from the first step that was asked for, and how many there will be. */
  #drawn = 0
  readonly #draws: number
  readonly #done: number
  #next: Promise<unknown> = Promise.resolve()
  #wait = 0

  /** Draws the first views of step `done` + 1 at once; `last` is the run's last step. */
  constructor(loader: ViewLoader, trainer: ContrastiveTrainer, shape: Shape, done: number, last: number) {
    const { batchSize, microBatch, channels, imageSize } = shape
    const elements = (microBatch ?? batchSize) * channels * imageSize ** 2
    const make = (): Views => ({ x1: new Float32Array(elements), x2: new Float32Array(elements) })
    this.#loader = loader
    this.#trainer = trainer
    this.#isMicro = microBatch !== undefined
    this.#parts = batchSize / (microBatch ?? batchSize)
    this.#done = done
    this.#draws = (last - done) * this.#drawsOfStep
    this.#buffers = [make(), make()]
    this.#draw()
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
    return this.#feed(({ x1, x2 }) => this.#trainer.step(x1, x2, hyper))
  }

  async #partwise(hyper: Hyper): Promise<StepResult> {
    const trainer = this.#trainer
    let seconds = 0
    for (let part = 0; part < this.#parts; part += 1)
      seconds += await this.#feed(({ x1, x2 }) => trainer.rehearse(part, x1, x2, hyper))
    const result = await trainer.contrast(hyper)
    for (let part = 0; part < this.#parts; part += 1)
      seconds += await this.#feed(({ x1, x2 }) => trainer.accumulate(part, x1, x2, hyper))
    return { ...result, seconds: seconds + result.seconds }
  }

  /** Hands over the views that were drawn last, and draws the next ones meanwhile. */
  async #feed<Result>(use: (views: Views) => Promise<Result>): Promise<Result> {
    const start = performance.now()
    await this.#next
    this.#wait += (performance.now() - start) / 1000
    const result = use(this.#buffersOf(this.#drawn - 1))
    result.catch(() => undefined) // reported below
    this.#draw()
    return result
  }

  get #drawsOfStep(): number {
    return this.#isMicro ? 2 * this.#parts : 1
  }

  #buffersOf(draw: number): Views {
    return this.#buffers[draw % 2 === 0 ? 0 : 1]
  }

  #draw(): void {
    if (this.#drawn === this.#draws) return
    const { x1, x2 } = this.#buffersOf(this.#drawn)
    const batch = this.#done + Math.floor(this.#drawn / this.#drawsOfStep)
    const part = this.#drawn % this.#parts
    this.#drawn += 1
    this.#next = this.#loader.fill(batch, x1, x2, { part, parts: this.#parts })
    this.#next.catch(() => undefined) // reported when the step wants it
  }
}
