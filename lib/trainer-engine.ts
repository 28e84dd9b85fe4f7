// What both trainers share: the life of a native trainer, hidden behind their public methods.
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import type { LoadReport, NativeTrainer, SessionInfo } from './native.js'

type Method = (...parameters: never[]) => unknown

/** What the engine needs of a native trainer, whatever its steps take. */
type AnyTrainer<Options> = Pick<NativeTrainer<Options, never>, 'open' | 'load' | 'save' | 'dispose'>

export class TrainerEngine<Options, Trainer extends AnyTrainer<Options>> {
  readonly native: Trainer
  readonly info: SessionInfo
  #disposal: Promise<void> | undefined

  private constructor(trainer: Trainer, info: SessionInfo) {
    this.native = trainer
    this.info = info
  }

  /** Opens a native trainer, or leaves nothing behind. `method`: the public function that was called. */
  static async open<Options, Trainer extends AnyTrainer<Options>>(
    method: Method,
    trainer: Trainer,
    options: Options,
    signal: AbortSignal | undefined,
  ): Promise<TrainerEngine<Options, Trainer>> {
    try {
      const info = await callEngine(method, signal, (ticket) => trainer.open(options, ticket))
      return new TrainerEngine(trainer, info)
    } catch (error) {
      await trainer.dispose()
      throw error
    }
  }

  async load(method: Method, path: string): Promise<LoadReport> {
    checkPath('load', path)
    return callEngine(method, undefined, () => this.native.load(path))
  }

  async save(method: Method, path: string): Promise<void> {
    checkPath('save', path)
    return callEngine(method, undefined, () => this.native.save(path))
  }

  async dispose(method: Method): Promise<void> {
    this.#disposal ??= callEngine(method, undefined, () => this.native.dispose())
    return this.#disposal
  }
}

/** Throws unless the path is one. */
export function checkPath(method: string, path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '') throw invalidOption(`${method}: path`, 'a path', path)
}
