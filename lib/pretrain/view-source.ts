// Where a step's views come from: arrays that a loader's threads fill, or slices of which the trainer's device makes
// them. Draws and uses alternate: what was drawn last is used while the next is drawn.
import type { ContrastiveTrainer } from '../contrastive-trainer.js'
import type { StepResult, ViewFeed } from '../native.js'
import type { ViewLoader } from '../view-loader.js'

type Hyper = Parameters<ContrastiveTrainer['contrast']>[0]
export type FeedingLoader = Pick<ViewLoader, 'fill' | 'feed' | 'info' | 'form'>
export type FedTrainer = Pick<
  ContrastiveTrainer,
  | 'info'
  | 'openFeed'
  | 'step'
  | 'stepFed'
  | 'rehearse'
  | 'rehearseFed'
  | 'contrast'
  | 'accumulate'
  | 'accumulateFed'
>

/** Steps count from 0; a step in one piece has one part. */
export interface ViewSource {
  draw(step: number, part: number, parts: number): Promise<unknown>
  step(step: number, hyper: Hyper): Promise<StepResult>
  rehearse(step: number, part: number, hyper: Hyper): Promise<number>
  accumulate(step: number, part: number, hyper: Hyper): Promise<number>
}

interface Views {
  readonly x1: Float32Array
  readonly x2: Float32Array
}

/** Two pairs of arrays in turn. */
class HostViews implements ViewSource {
  readonly #loader: FeedingLoader
  readonly #trainer: FedTrainer
  readonly #buffers: readonly [Views, Views]
  #drawn = 0
  #used = 0

  constructor(loader: FeedingLoader, trainer: FedTrainer, elements: number) {
    const make = (): Views => ({ x1: new Float32Array(elements), x2: new Float32Array(elements) })
    this.#loader = loader
    this.#trainer = trainer
    this.#buffers = [make(), make()]
  }

  draw(step: number, part: number, parts: number): Promise<unknown> {
    const { x1, x2 } = this.#buffers[this.#drawn++ % 2 === 0 ? 0 : 1]
    return this.#loader.fill(step, x1, x2, { part, parts })
  }

  step(_: number, hyper: Hyper): Promise<StepResult> {
    const { x1, x2 } = this.#next()
    return this.#trainer.step(x1, x2, hyper)
  }

  rehearse(_: number, part: number, hyper: Hyper): Promise<number> {
    const { x1, x2 } = this.#next()
    return this.#trainer.rehearse(part, x1, x2, hyper)
  }

  accumulate(_: number, part: number, hyper: Hyper): Promise<number> {
    const { x1, x2 } = this.#next()
    return this.#trainer.accumulate(part, x1, x2, hyper)
  }

  #next(): Views {
    return this.#buffers[this.#used++ % 2 === 0 ? 0 : 1]
  }
}

/** The turns are the feed's own. */
class DeviceViews implements ViewSource {
  readonly #loader: FeedingLoader
  readonly #trainer: FedTrainer
  readonly #feed: ViewFeed

  constructor(loader: FeedingLoader, trainer: FedTrainer, feed: ViewFeed) {
    this.#loader = loader
    this.#trainer = trainer
    this.#feed = feed
  }

  draw(step: number, part: number, parts: number): Promise<unknown> {
    return this.#loader.feed(step, this.#feed, { part, parts })
  }

  step(step: number, hyper: Hyper): Promise<StepResult> {
    return this.#trainer.stepFed(step, hyper)
  }

  rehearse(step: number, part: number, hyper: Hyper): Promise<number> {
    return this.#trainer.rehearseFed(step, part, hyper)
  }

  accumulate(step: number, part: number, hyper: Hyper): Promise<number> {
    return this.#trainer.accumulateFed(step, part, hyper)
  }
}

/** On which device openViewSource() will have a trainer's views made. */
export function augmentedOn({ info }: Pick<FedTrainer, 'info'>): 'cpu' | 'cuda' {
  return info.device === 'cuda' ? 'cuda' : 'cpu'
}

/** `elements`: of the views that the trainer takes at a time. */
export async function openViewSource(
  loader: FeedingLoader,
  trainer: FedTrainer,
  elements: number,
): Promise<ViewSource> {
  const feed = augmentedOn(trainer) === 'cuda' ? await trainer.openFeed(loader) : undefined
  return feed === undefined
    ? new HostViews(loader, trainer, elements)
    : new DeviceViews(loader, trainer, feed)
}
