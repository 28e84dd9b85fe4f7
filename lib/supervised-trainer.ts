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
import { callOptions, type CallOptions } from './options/encoder.js'
import { toNativeDevice, toNativeEncoder } from './options/model.js'
import { toNativeOptimizer } from './options/optimizer.js'
import { parseOptions } from './options/parse.js'
import {
  supervisedOptions,
  supervisedStepOptions,
  type SupervisedStepOptions,
  type SupervisedTrainerOptions,
} from './options/trainer.js'
import { TrainerEngine } from './trainer-engine.js'

/** A backbone with a linear classifier. Calls run in order on a thread of their own, at most two at once. */
export class SupervisedTrainer implements AsyncDisposable {
  readonly #engine: TrainerEngine<NativeSupervisedOptions, NativeSupervisedTrainer>

  private constructor(engine: TrainerEngine<NativeSupervisedOptions, NativeSupervisedTrainer>) {
    this.#engine = engine
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
      seed: given.seed,
    }
    const trainer = new (native().SupervisedTrainer)()
    return new SupervisedTrainer(await TrainerEngine.open(SupervisedTrainer.create, trainer, request, signal))
  }

  /** What was chosen for this trainer. */
  get info(): SessionInfo {
    return this.#engine.info
  }

  /**
   * One training step: images [batchSize, C, H, W] and their classes, each from 0 to classes - 1. Until the promise
   * settles, `x` is lent to the engine as in MocoTrainer.step; the labels are copied at once.
   */
  async step(x: Float32Array, labels: Int32Array, options: SupervisedStepOptions): Promise<StepResult> {
    const { lr, signal } = parseOptions(supervisedStepOptions, 'SupervisedTrainer.step', options)
    const hyper = { lr, momentum: 0 } // there is no momentum encoder
    return callEngine(this.step, signal, (ticket) => this.#engine.native.step(x, labels, hyper, ticket))
  }

  /** The same step, and what every kernel of it took, in the order in which they ran. */
  async profile(x: Float32Array, labels: Int32Array, options: SupervisedStepOptions): Promise<KernelTime[]> {
    const { lr, signal } = parseOptions(supervisedStepOptions, 'SupervisedTrainer.profile', options)
    const hyper = { lr, momentum: 0 }
    return callEngine(this.profile, signal, (ticket) => this.#engine.native.profile(x, labels, hyper, ticket))
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
