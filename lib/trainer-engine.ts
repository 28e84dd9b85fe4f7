// What both trainers share: the life of a native trainer, hidden behind their public methods.
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import type { LoadReport, NativeTrainer, SessionInfo } from './native.js'

type Method = (...parameters: never[]) => unknown

export class TrainerEngine<Options, Target> {
  readonly native: NativeTrainer<Options, Target>
  readonly info: SessionInfo
  #disposal: Promise<void> | undefined

  private constructor(trainer: NativeTrainer<Options, Target>, info: SessionInfo) {
    this.native = trainer
    this.info = info
  }

  /** Opens a native trainer, or leaves nothing behind. `method`: the public function that was called. */
  static async open<Options, Target>(
    method: Method,
    trainer: NativeTrainer<Options, Target>,
    options: Options,
    signal: AbortSignal | undefined,
  ): Promise<TrainerEngine<Options, Target>> {
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

function checkPath(method: string, path: unknown): void {
  if (typeof path !== 'string' || path === '') throw invalidOption(`${method}: path`, 'a path', path)
}
