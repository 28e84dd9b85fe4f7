// Checkpoints that survive a crash at any moment: written under another name, synced, hashed, renamed; the ones before
// stay. A folder `step-N` is whole or damaged, and damage is noticed when it is read.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncToDisk, writeError, writeWhole } from '../write-file.js'

const manifestName = 'checkpoint.json'
const form = 1

interface Manifest {
  readonly form: number
  readonly step: number
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

export interface Checkpoint {
  readonly step: number
  readonly path: string
}

export class Checkpoints {
  readonly #run: string
  readonly #folder: string
  readonly #keep: number

  constructor(run: string, keep: number) {
    this.#run = run
    this.#folder = join(run, 'checkpoints')
    this.#keep = keep
  }

  /** `write` fills an empty folder with the named files. The checkpoint exists when the promise settles. */
  async save(
    step: number,
    names: readonly string[],
    write: (folder: string) => Promise<void>,
  ): Promise<Checkpoint> {
    const path = join(this.#folder, `step-${String(step).padStart(8, '0')}`)
    const partial = `${path}.partial`
    try {
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial, { recursive: true })
      await write(partial)
      const files: Record<string, { bytes: number; sha256: string }> = {}
      for (const name of names) {
        await syncToDisk(join(partial, name))
        files[name] = await digest(join(partial, name))
      }
      const manifest: Manifest = { form, step, files }
      await writeWhole(join(partial, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, true)
      await rm(path, { recursive: true, force: true }) // one of an earlier, longer attempt
      await rename(partial, path)
      await syncToDisk(this.#folder)
      await this.#pointTo(step)
      await this.#prune(step)
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined)
      throw writeError(path, error)
    }
    return { step, path }
  }

  /** Ends what a crash may have kept from following the checkpoint: the pointer to it, the file in the run's folder. */
  async settle(checkpoint: Checkpoint, name: string): Promise<void> {
    await this.#pointTo(checkpoint.step).catch((error: unknown) => {
      throw writeError(join(this.#run, 'latest'), error)
    })
    await this.publish(checkpoint, name)
  }

  async #pointTo(step: number): Promise<void> {
    await writeWhole(join(this.#run, 'latest'), `checkpoints/step-${String(step).padStart(8, '0')}\n`, true)
  }

  /** Puts a checkpoint's file into the run's folder, whole. */
  async publish({ path }: Checkpoint, name: string): Promise<string> {
    const target = join(this.#run, name)
    try {
      await copyFile(join(path, name), `${target}.partial`)
      await syncToDisk(`${target}.partial`)
      await rename(`${target}.partial`, target)
    } catch (error) {
      throw writeError(target, error)
    }
    return target
  }

  /** The newest one whose files are as they were written; `damaged`: what is wrong with newer ones. */
  async newest(): Promise<{ readonly found: Checkpoint | undefined; readonly damaged: readonly string[] }> {
    const damaged: string[] = []
    for (const { step, path } of (await this.#list()).reverse()) {
      const problem = await problemOf(path, step)
      if (problem === undefined) return { found: { step, path }, damaged }
      damaged.push(problem)
    }
    return { found: undefined, damaged }
  }

  async #list(): Promise<Checkpoint[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names
      .filter((name) => /^step-\d{8,}$/.test(name))
      .map((name) => ({ step: Number(name.slice(5)), path: join(this.#folder, name) }))
      .sort((a, b) => a.step - b.step)
  }

  /** Removes the oldest, and what lies beyond the newest: a run that went back to an older one has left it. */
  async #prune(newest: number): Promise<void> {
    const all = await this.#list()
    const past = all.filter(({ step }) => step <= newest)
    const stale = [...past.slice(0, -this.#keep), ...all.filter(({ step }) => step > newest)]
    for (const { path } of stale) await rm(path, { recursive: true, force: true })
  }
}

async function digest(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** What is wrong with a checkpoint, in a sentence; undefined when nothing is. */
async function problemOf(path: string, step: number): Promise<string | undefined> {
  let manifest: Partial<Manifest>
  try {
    manifest = JSON.parse(await readFile(join(path, manifestName), 'utf8')) as Partial<Manifest>
  } catch {
    return `${path} has no readable ${manifestName}`
  }
  if (manifest.form !== form)
    return `${path} was written in form ${String(manifest.form)}; this gyrus reads ${form}`
  if (manifest.step !== step || typeof manifest.files !== 'object')
    return `${path} holds another step's manifest`
  for (const [name, wanted] of Object.entries(manifest.files)) {
    try {
      const found = await digest(join(path, name))
      if (found.sha256 !== wanted.sha256)
        return `${join(path, name)} is not as it was written (its SHA-256 differs)`
    } catch {
      return `${join(path, name)} cannot be read`
    }
  }
  return undefined
}
