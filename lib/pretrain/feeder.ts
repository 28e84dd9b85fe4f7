// Keeps the engine fed: the views of the next step are drawn while the step under way computes.
import type { MocoTrainer } from '../moco-trainer.js'
import type { StepResult } from '../native.js'
import type { ViewLoader } from '../view-loader.js'

interface Views {
  readonly x1: Float32Array
  readonly x2: Float32Array
}

export class Feeder {
  readonly #loader: ViewLoader
  readonly #trainer: MocoTrainer
  readonly #last: number
  readonly #buffers: readonly [Views, Views]
  #drawn: Promise<unknown>

  /** `elements`: of a batch. Draws the views of step `done` + 1 at once; `last` is the run's last step. */
  constructor(loader: ViewLoader, trainer: MocoTrainer, elements: number, done: number, last: number) {
    const make = (): Views => ({ x1: new Float32Array(elements), x2: new Float32Array(elements) })
    this.#loader = loader
    this.#trainer = trainer
    this.#last = last
    this.#buffers = [make(), make()]
    this.#drawn = this.#draw(done + 1)
  }

  /** Runs the step; `wait`: seconds until its views were there. */
  async step(
    step: number,
    hyper: { readonly lr: number; readonly momentum: number },
  ): Promise<StepResult & { readonly wait: number }> {
    const start = performance.now()
    await this.#drawn
    const wait = (performance.now() - start) / 1000
    const { x1, x2 } = this.#buffersOf(step)
    const result = this.#trainer.step(x1, x2, hyper)
    this.#drawn = this.#draw(step + 1)
    return { ...(await result), wait }
  }

  /** Waits for what is being drawn, for a result that nobody wants. */
  async end(): Promise<void> {
    await this.#drawn.catch(() => undefined)
  }

  #buffersOf(step: number): Views {
    return this.#buffers[step % 2 === 0 ? 0 : 1]
  }

  /** Steps count from 1, the loader's batches from 0. */
  #draw(step: number): Promise<unknown> {
    if (step > this.#last) return Promise.resolve()
    const { x1, x2 } = this.#buffersOf(step)
    const drawn = this.#loader.fill(step - 1, x1, x2)
    drawn.catch(() => undefined) // reported when the step wants it
    return drawn
  }
}
