// What trainers of contrastive methods share: one engine call a step, or a step over micro-batches part by part.
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import {
  native,
  type EmbeddingHealth,
  type KernelTime,
  type LoadReport,
  type NativeContrastiveOptions,
  type NativeContrastiveTrainer,
  type ViewFeed,
  type SessionInfo,
  type StepResult,
} from './native.js'
import { callOptions, type CallOptions } from './options/encoder.js'
import { toNativeDevice, toNativeEncoder, toNativeFacts } from './options/model.js'
import { toNativeOptimizer } from './options/optimizer.js'
import { parseOptions } from './options/parse.js'
import {
  contrastiveStepOptions,
  saveBackboneOptions,
  type ContrastiveSettings,
  type ContrastiveStepOptions,
  type SaveBackboneOptions,
} from './options/trainer.js'
import { checkPath, TrainerEngine } from './trainer-engine.js'
import type { ViewLoader } from './view-loader.js'

type Engine = TrainerEngine<NativeContrastiveOptions, NativeContrastiveTrainer>

/** Calls run in order on a thread of their own, two at most. */
export abstract class ContrastiveTrainer implements AsyncDisposable {
  readonly #engine: Engine

  protected constructor(engine: Engine) {
    this.#engine = engine
  }

  /** `create`: the public function that was called. */
  protected static async open(
    create: (...parameters: never[]) => unknown,
    method: 'mocov3' | 'simclr',
    given: ContrastiveSettings,
    call: CallOptions,
  ): Promise<Engine> {
    const { signal } = parseOptions(callOptions, `${this.name}.create`, call)
    const request = {
      method,
      encoder: toNativeEncoder(given),
      device: toNativeDevice(given),
      optimizer: toNativeOptimizer(given.optimizer),
      batchSize: given.batchSize,
      microBatch: given.microBatch ?? 0,
      temperature: given.temperature,
      projectorHidden: given.projector.hidden,
      projectorOut: given.projector.out,
      projectorNorm: given.projector.norm,
      seed: given.seed,
    }
    return TrainerEngine.open(create, new (native().ContrastiveTrainer)(), request, signal)
  }

  /** A method's name, for messages. */
  #named(method: string): string {
    return `${this.constructor.name}.${method}`
  }

  /** What was chosen for this trainer. */
  get info(): SessionInfo {
    return this.#engine.info
  }

  /**
   * One training step over two views of the same images, [batchSize, C, H, W] each. Until the promise settles, the
   * views are lent to the engine: do not write to them, transfer them, or pass them to another call. A second step may
   * be started before the first settles, with other buffers. A loss that is NaN or infinite rejects with
   * ERR_GYRUS_NON_FINITE, which names the first bad value; no weight was changed then. After that, or after a step was
   * aborted half-way, load weights first.
   */
  async step(x1: Float32Array, x2: Float32Array, options: ContrastiveStepOptions): Promise<StepResult> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('step'), options)
    return callEngine(this.step, signal, (ticket) =>
      this.#engine.native.step(x1, x2, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /** The same step, and what every kernel of it took, in the order in which they ran. */
  async profile(x1: Float32Array, x2: Float32Array, options: ContrastiveStepOptions): Promise<KernelTime[]> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('profile'), options)
    return callEngine(this.profile, signal, (ticket) =>
      this.#engine.native.profile(x1, x2, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /**
   * A step over micro-batches by its parts, so that only the views of one part need memory at a time: `rehearse` every
   * part, `contrast`, then `accumulate` every part, with the same views and options. The last one updates the weights.
   * Views are [microBatch, C, H, W]. Returns the seconds of the engine's own work. `step` does all of it at once.
   */
  async rehearse(
    part: number,
    x1: Float32Array,
    x2: Float32Array,
    options: ContrastiveStepOptions,
  ): Promise<number> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('rehearse'), options)
    return callEngine(this.rehearse, signal, (ticket) =>
      this.#engine.native.rehearse(part, x1, x2, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /** The loss of the whole batch, from what was rehearsed. */
  async contrast(options: ContrastiveStepOptions): Promise<StepResult> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('contrast'), options)
    return callEngine(this.contrast, signal, (ticket) =>
      this.#engine.native.contrast({ lr, momentum, mix: 1 }, ticket),
    )
  }

  /** The gradients of a part. */
  async accumulate(
    part: number,
    x1: Float32Array,
    x2: Float32Array,
    options: ContrastiveStepOptions,
  ): Promise<number> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('accumulate'), options)
    return callEngine(this.accumulate, signal, (ticket) =>
      this.#engine.native.accumulate(part, x1, x2, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /**
   * Lets the device make the views, where it has memory of its own: slices of 16 bits travel while a step runs, and the
   * step begins by making what the loader would have made of them. Undefined on a CPU, which takes views by step().
   * Opening another feed closes the one before. The loader normalises all channels alike.
   */
  async openFeed(
    { info, form }: Pick<ViewLoader, 'info' | 'form'>,
    options: CallOptions = {},
  ): Promise<ViewFeed | undefined> {
    const { signal } = parseOptions(callOptions, this.#named('openFeed'), options)
    const feed = new (native().ViewFeed)()
    const { imageSize, channels, mean, std } = form
    if (typeof mean !== 'number' || typeof std !== 'number')
      throw invalidOption(
        this.#named('openFeed: mean and std'),
        'those of a loader with one number for all channels',
        {
          mean,
          std,
        },
      )
    const request = { sliceSize: info.sliceSize, imageSize, channels, mean, std }
    await callEngine(this.openFeed, signal, (ticket) => this.#engine.native.openFeed(request, feed, ticket))
    return feed.isOpen() ? feed : undefined
  }

  /** step() over the batch that a loader fed for `step`, counted from 0; it must be the next on its way. */
  async stepFed(step: number, options: ContrastiveStepOptions): Promise<StepResult> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('stepFed'), options)
    return callEngine(this.stepFed, signal, (ticket) =>
      this.#engine.native.stepFed(step, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /** rehearse() of the part that a loader fed. */
  async rehearseFed(step: number, part: number, options: ContrastiveStepOptions): Promise<number> {
    const { lr, momentum, signal } = parseOptions(contrastiveStepOptions, this.#named('rehearseFed'), options)
    return callEngine(this.rehearseFed, signal, (ticket) =>
      this.#engine.native.rehearseFed(step, part, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /** accumulate() of the part that a loader fed, a second time. */
  async accumulateFed(step: number, part: number, options: ContrastiveStepOptions): Promise<number> {
    const { lr, momentum, signal } = parseOptions(
      contrastiveStepOptions,
      this.#named('accumulateFed'),
      options,
    )
    return callEngine(this.accumulateFed, signal, (ticket) =>
      this.#engine.native.accumulateFed(step, part, { lr, momentum, mix: 1 }, ticket),
    )
  }

  /** Takes over the networks of a file that save() wrote. */
  load(path: string): Promise<LoadReport> {
    return this.#engine.load(this.load, path)
  }

  /**
   * Writes base_encoder.*, and what else the method has (MoCo v3: momentum_encoder.* and predictor.*), as safetensors;
   * the file appears when it is complete.
   */
  save(path: string): Promise<void> {
    return this.#engine.save(this.save, path)
  }

  /**
   * Writes what save() writes, the optimizer's state and the number of steps as safetensors: after loadState() the next
   * step is, to the last bit, the one that would have followed, on the same machine with the same number of threads.
   */
  saveState(path: string): Promise<void> {
    checkPath('saveState', path)
    return callEngine(this.saveState, undefined, () => this.#engine.native.saveState(path))
  }

  /** Takes over what saveState() wrote, of the same architecture, optimizer and precision. */
  loadState(path: string): Promise<void> {
    checkPath('loadState', path)
    return callEngine(this.loadState, undefined, () => this.#engine.native.loadState(path))
  }

  /**
   * Writes the base encoder without projector as safetensors, under the names that torchvision (ResNets, with fc as
   * Identity) and timm (ViTs, num_classes=0) load strictly. A one-channel network is written for three channels, a
   * third of its first convolution for each, which computes the same of a grey image given thrice; `channels: 1`
   * leaves it as it is. The file's metadata say which network it is of: arch, heads, image_size, channels, and mean and
   * std where they are given.
   */
  async saveBackbone(path: string, options: SaveBackboneOptions = {}): Promise<void> {
    checkPath('saveBackbone', path)
    const { channels, mean, std } = parseOptions(saveBackboneOptions, this.#named('saveBackbone'), options)
    const facts = toNativeFacts({ mean, std })
    return callEngine(this.saveBackbone, undefined, () =>
      this.#engine.native.saveBackbone(path, channels, facts),
    )
  }

  /** Whether the last step's embeddings still tell images apart. */
  health(): Promise<EmbeddingHealth> {
    return callEngine(this.health, undefined, () => this.#engine.native.health())
  }

  /** Frees everything, after the calls under way. Calling it again waits for the same end. */
  dispose(): Promise<void> {
    return this.#engine.dispose(this.dispose)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
