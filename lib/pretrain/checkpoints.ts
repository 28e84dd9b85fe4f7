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
  /** How often in a row the embeddings had looked collapsed, where they had. */
  readonly badLooks?: number
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

export interface Checkpoint {
  readonly step: number
  readonly path: string
  /** Above 0: something to continue from, but not to go back to. */
  readonly badLooks: number
}

/** What a run folder holds. */
export interface FoundCheckpoints {
  /** The newest one whose files are as they were written. */
  readonly found: Checkpoint | undefined
  /** The newest such one whose embeddings looked alive. */
  readonly good: Checkpoint | undefined
  /** What is wrong with newer ones than `found`. */
  readonly damaged: readonly string[]
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

  /**
   * `write` fills an empty folder with the named files. The checkpoint exists when the promise settles. One with bad
   * looks pushes no other out, and goes when a good one follows.
   */
  async save(
    step: number,
    names: readonly string[],
    write: (folder: string) => Promise<void>,
    badLooks = 0,
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
      const manifest: Manifest = { form, step, ...(badLooks === 0 ? {} : { badLooks }), files }
      await writeWhole(join(partial, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, true)
      await rm(path, { recursive: true, force: true }) // one of an earlier, longer attempt
      await rename(partial, path)
      await syncToDisk(this.#folder)
      await this.#pointTo(step)
      await this.#prune(step, badLooks > 0)
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined)
      throw writeError(path, error)
    }
    return { step, path, badLooks }
  }

  /**
   * Ends what a crash may have kept from following the checkpoints: the pointer to the newest, and the good one's file
   * in the run's folder.
   */
  async settle({ found, good }: FoundCheckpoints, name: string): Promise<void> {
    if (found !== undefined)
      await this.#pointTo(found.step).catch((error: unknown) => {
        throw writeError(join(this.#run, 'latest'), error)
      })
    if (good !== undefined) await this.publish(good, name)
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

  async newest(): Promise<FoundCheckpoints> {
    const damaged: string[] = []
    let found: Checkpoint | undefined
    for (const { step, path } of (await this.#list()).reverse()) {
      const one = await verified(path, step)
      if (typeof one === 'string') {
        if (found === undefined) damaged.push(one)
        continue
      }
      found ??= one
      if (one.badLooks === 0) return { found, good: one, damaged }
    }
    return { found, good: undefined, damaged }
  }

  async #list(): Promise<Place[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names
      .filter((name) => /^step-\d{8,}$/.test(name))
      .map((name) => ({ step: Number(name.slice(5)), path: join(this.#folder, name) }))
      .sort((a, b) => a.step - b.step)
  }

  /** Removes the oldest, those with bad looks, and what lies beyond the newest: a run that went back has left it. */
  async #prune(newest: number, hasBadLooks: boolean): Promise<void> {
    const all = await this.#list()
    const past: Place[] = []
    const stale = all.filter(({ step }) => step > newest)
    for (const place of all) {
      if (place.step > newest || (place.step === newest && hasBadLooks)) continue
      const { badLooks = 0 } = (await manifestOf(place.path)) ?? {}
      if (badLooks > 0) stale.push(place)
      else past.push(place)
    }
    for (const { path } of [...past.slice(0, -this.#keep), ...stale])
      await rm(path, { recursive: true, force: true })
  }
}

interface Place {
  readonly step: number
  readonly path: string
}

async function manifestOf(path: string): Promise<Partial<Manifest> | undefined> {
  try {
    return JSON.parse(await readFile(join(path, manifestName), 'utf8')) as Partial<Manifest>
  } catch {
    return undefined
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

/** The checkpoint, or what is wrong with it, in a sentence. */
async function verified(path: string, step: number): Promise<Checkpoint | string> {
  const manifest = await manifestOf(path)
  if (manifest === undefined) return `${path} has no readable ${manifestName}`
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
  return { step, path, badLooks: manifest.badLooks ?? 0 }
}
