// SupervisedTrainer: a classifier on a backbone, trained whole or as a linear probe.
import { callEngine } from './call.js'
import {
  native,
  type KernelTime,
  type LoadReport,
  type NativeSupervisedOptions,
  type NativeSupervisedTrainer,
  type SessionInfo,
  type StepResult,
} from './native.js'
import {
  callOptions,
  saveEncoderOptions,
  type CallOptions,
  type SaveEncoderOptions,
} from './options/encoder.js'
import { toNativeDevice, toNativeEncoder } from './options/model.js'
import { toNativeOptimizer } from './options/optimizer.js'
import { parseOptions } from './options/parse.js'
import {
  supervisedOptions,
  supervisedStepOptions,
  type SupervisedStepOptions,
  type SupervisedTrainerOptions,
} from './options/trainer.js'
import { checkPath, TrainerEngine } from './trainer-engine.js'

/** A backbone with a linear classifier. Calls run in order on a thread of their own, at most two at once. */
export class SupervisedTrainer implements AsyncDisposable {
  readonly #engine: TrainerEngine<NativeSupervisedOptions, NativeSupervisedTrainer>

  readonly #imageElements: number
  readonly #classes: number
  readonly #channels: 1 | 3

  private constructor(
    engine: TrainerEngine<NativeSupervisedOptions, NativeSupervisedTrainer>,
    { encoder, classes }: NativeSupervisedOptions,
  ) {
    this.#engine = engine
    this.#imageElements = encoder.channels * encoder.imageHeight * encoder.imageWidth
    this.#classes = classes
    this.#channels = encoder.channels === 1 ? 1 : 3
  }

  static async create(options: SupervisedTrainerOptions, call: CallOptions = {}): Promise<SupervisedTrainer> {
    const given = parseOptions(supervisedOptions, 'SupervisedTrainer.create', options)
    const { signal } = parseOptions(callOptions, 'SupervisedTrainer.create', call)
    const request = {
      encoder: toNativeEncoder(given),
      device: toNativeDevice(given),
      optimizer: toNativeOptimizer(given.optimizer),
      batchSize: given.batchSize,
      classes: given.classes,
      labelSmoothing: given.labelSmoothing,
      hasHeadBatchNorm: given.hasHeadBatchNorm,
      isBackboneFrozen: given.isBackboneFrozen,
      classWeights: Float32Array.from(given.classWeights ?? []),
      hasMixup: given.hasMixup,
      dropPath: given.dropPath,
      layerDecay: given.layerDecay,
      seed: given.seed,
    }
    const trainer = new (native().SupervisedTrainer)()
    const engine = await TrainerEngine.open(SupervisedTrainer.create, trainer, request, signal)
    return new SupervisedTrainer(engine, request)
  }

  /** What was chosen for this trainer. */
  get info(): SessionInfo {
    return this.#engine.info
  }

  /**
   * One training step: images [batchSize, C, H, W] and their classes, each from 0 to classes - 1. Until the promise
   * settles, `x` is lent to the engine as in MocoTrainer.step; the labels are copied at once. With `mix` below 1, image
   * i is mixed with image batchSize - 1 - i, and so are their labels.
   */
  async step(x: Float32Array, labels: Int32Array, options: SupervisedStepOptions): Promise<StepResult> {
    const { lr, mix, signal } = parseOptions(supervisedStepOptions, 'SupervisedTrainer.step', options)
    const hyper = { lr, mix, momentum: 0 } // there is no momentum encoder
    return callEngine(this.step, signal, (ticket) => this.#engine.native.step(x, labels, hyper, ticket))
  }

  /** The same step, and what every kernel of it took, in the order in which they ran. */
  async profile(x: Float32Array, labels: Int32Array, options: SupervisedStepOptions): Promise<KernelTime[]> {
    const { lr, mix, signal } = parseOptions(supervisedStepOptions, 'SupervisedTrainer.profile', options)
    const hyper = { lr, mix, momentum: 0 }
    return callEngine(this.profile, signal, (ticket) => this.#engine.native.profile(x, labels, hyper, ticket))
  }

  /**
   * Logits [n, classes] of images [n, C, H, W], any number of them: with running statistics, nothing dropped or mixed.
   * `x` is lent to the engine until the promise settles.
   */
  async predict(x: Float32Array, options: CallOptions = {}): Promise<Float32Array> {
    const { signal } = parseOptions(callOptions, 'SupervisedTrainer.predict', options)
    const rows = x instanceof Float32Array ? Math.floor(x.length / this.#imageElements) : 0
    const logits = new Float32Array(rows * this.#classes)
    await callEngine(this.predict, signal, (ticket) => this.#engine.native.predict(x, logits, ticket))
    return logits
  }

  /** Takes over the backbone of a safetensors file; a head in it is left aside, the classifier stays as it is. */
  async loadBackbone(path: string): Promise<LoadReport> {
    checkPath('SupervisedTrainer.loadBackbone', path)
    return callEngine(this.loadBackbone, undefined, () => this.#engine.native.loadBackbone(path))
  }

  /**
   * Writes the network with its classifier for other libraries, as Encoder.save() does without: an ONNX model then has
   * the output `logits` [batch, classes].
   */
  async export(path: string, options: SaveEncoderOptions = {}): Promise<void> {
    checkPath('SupervisedTrainer.export', path)
    const given = parseOptions(saveEncoderOptions, 'SupervisedTrainer.export', options)
    const { form, channels = this.#channels } = given
    return callEngine(this.export, undefined, () => this.#engine.native.exportAs(path, form, channels))
  }

  /**
   * Replaces the classifier, by linearProbe()'s for one: `weights` [classes, featureDim] and `bias` [classes], which
   * are lent until the promise settles.
   */
  async setClassifier(weights: Float32Array, bias: Float32Array): Promise<void> {
    return callEngine(this.setClassifier, undefined, () => this.#engine.native.setClassifier(weights, bias))
  }

  /** Writes the weights, the optimizer's state and the number of steps; after loadState() the next step is the same. */
  async saveState(path: string): Promise<void> {
    checkPath('SupervisedTrainer.saveState', path)
    return callEngine(this.saveState, undefined, () => this.#engine.native.saveState(path))
  }

  /** Goes on from where saveState() was called, to the last bit. */
  async loadState(path: string): Promise<void> {
    checkPath('SupervisedTrainer.loadState', path)
    return callEngine(this.loadState, undefined, () => this.#engine.native.loadState(path))
  }

  /** Takes over the weights of a safetensors file and says how they fitted. */
  load(path: string): Promise<LoadReport> {
    return this.#engine.load(this.load, path)
  }

  /** Writes all weights as safetensors; the file appears when it is complete. */
  save(path: string): Promise<void> {
    return this.#engine.save(this.save, path)
  }

  /** Frees everything, after the calls under way. Calling it again waits for the same end. */
  dispose(): Promise<void> {
    return this.#engine.dispose(this.dispose)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
