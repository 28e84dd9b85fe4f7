// What a killed fine-tuning goes on from: the trainer's state after an epoch, the weights of the best one, and a
// journal that says which belong together. It is written last, so that it never speaks of files that are not there.
import { access, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isGyrusError } from '../../errors.js'
import type { SupervisedTrainer } from '../../supervised-trainer.js'
import { writeWhole } from '../../write-file.js'
import type { Epoch } from './events.js'

export interface Progress {
  /** Of the epochs that are done. */
  readonly curve: readonly Epoch[]
  readonly bestEpoch: number
}

interface Journal extends Progress {
  /** Of the settings, images and weights. */
  readonly key: string
}

const journalName = 'progress.json'
/** All that is written here, for those who clean the folder. */
export const stateFiles = [/^progress\.json(\.partial)?$/, /^(best|state)-\d+\.safetensors/]

export class RunState {
  readonly #folder: string
  readonly #key: string
  readonly #interval: number
  #saved = performance.now()
  #problem: string | undefined

  /** `seconds`: between two states, at least. */
  constructor(folder: string, key: string, seconds: number) {
    this.#folder = folder
    this.#key = key
    this.#interval = 1000 * seconds
  }

  bestPath(epoch: number): string {
    return join(this.#folder, `best-${epoch}.safetensors`)
  }

  #statePath(epoch: number): string {
    return join(this.#folder, `state-${epoch}.safetensors`)
  }

  /** Brings the trainer to where the run was left. Undefined, and nothing is changed, where there is no such run. */
  async restore(trainer: SupervisedTrainer): Promise<Progress | undefined> {
    const journal = await this.#read()
    if (journal?.key !== this.#key) return undefined
    try {
      await access(this.bestPath(journal.bestEpoch))
    } catch {
      this.#problem = `${this.bestPath(journal.bestEpoch)} is gone`
      return undefined
    }
    try {
      await trainer.loadState(this.#statePath(journal.curve.length))
      return journal
    } catch (error) {
      if (!isGyrusError(error)) throw error
      this.#problem = error.message
      return undefined
    }
  }

  /** Why the run could not go on from where it was left, once: then its epochs are done again. */
  takeProblem(): string | undefined {
    const problem = this.#problem
    this.#problem = undefined
    return problem
  }

  /** After an epoch, when enough time has passed since the last state. */
  async keep(trainer: SupervisedTrainer, progress: Progress): Promise<void> {
    if (performance.now() - this.#saved < this.#interval) return
    await trainer.saveState(this.#statePath(progress.curve.length))
    const journal: Journal = { key: this.#key, ...progress }
    await writeWhole(join(this.#folder, journalName), `${JSON.stringify(journal)}\n`, true)
    await this.#remove((name) => !this.#belongs(name, progress))
    this.#saved = performance.now()
  }

  /** Of a run that is done, or one that begins anew: nothing of it is left. */
  async clear(): Promise<void> {
    await this.#remove(() => true)
  }

  #belongs(name: string, { curve, bestEpoch }: Progress): boolean {
    const paths = [this.bestPath(bestEpoch), this.#statePath(curve.length), join(this.#folder, journalName)]
    return paths.includes(join(this.#folder, name))
  }

  async #remove(isLost: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(this.#folder))
      if (stateFiles.some((own) => own.test(name)) && isLost(name))
        await rm(join(this.#folder, name), { force: true })
  }

  async #read(): Promise<Journal | undefined> {
    const path = join(this.#folder, journalName)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch {
      return undefined
    }
    try {
      return JSON.parse(text) as Journal
    } catch {
      this.#problem = `${path} is no JSON`
      return undefined
    }
  }
}
