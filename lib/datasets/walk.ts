// All files below a folder, in one order everywhere. Links to folders are followed once; what cannot be read, and links
// that lead nowhere, are told of and left out.
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GyrusError, throwIfAborted } from '../errors.js'

export interface Tree {
  /** Paths below the root, with '/', sorted by their bytes. */
  readonly files: readonly string[]
  /** Where each file lies without any link: the same for two ways to one file. */
  readonly places: ReadonlyMap<string, string>
  /** Folders. */
  readonly unreadable: readonly string[]
  /** Links that lead nowhere. */
  readonly broken: readonly string[]
  /** Pipes, sockets and devices, and links to them. */
  readonly special: readonly string[]
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Walks a folder. Names that begin with a dot are left out: they are hidden, or shadows that macOS leaves. */
export async function walk(root: string, signal: AbortSignal | undefined): Promise<Tree> {
  const info = await stat(root).catch((cause: unknown) => {
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `there is no folder ${root}: check the path`, { cause })
  })
  if (!info.isDirectory())
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `${root} is no folder: give the folder that holds the archive`,
    )
  const walker = new Walker(root, signal)
  await walker.visit('')
  const { places, unreadable, broken, special } = walker
  return { files: [...places.keys()].sort(byBytes), places, unreadable, broken, special }
}

class Walker {
  readonly places = new Map<string, string>()
  readonly unreadable: string[] = []
  readonly broken: string[] = []
  readonly special: string[] = []
  readonly #root: string
  readonly #signal: AbortSignal | undefined
  readonly #seen = new Set<string>()

  constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root
    this.#signal = signal
  }

  async visit(path: string): Promise<void> {
    throwIfAborted(this.#signal)
    const folder = join(this.#root, path)
    const place = await realpath(folder).catch(() => undefined)
    if (place !== undefined && this.#seen.has(place)) return
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
    if (place === undefined || entries === undefined) {
      this.unreadable.push(path)
      return
    }
    this.#seen.add(place)
    for (const entry of entries.sort((a, b) => byBytes(a.name, b.name))) {
      if (!entry.name.startsWith('.')) await this.#take(path, place, entry)
    }
  }

  async #take(folder: string, place: string, entry: Dirent): Promise<void> {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return this.visit(path)
    if (entry.isFile()) {
      this.places.set(path, join(place, entry.name))
      return
    }
    if (!entry.isSymbolicLink()) {
      this.special.push(path)
      return
    }
    const link = join(this.#root, path)
    const target = await stat(link).catch(() => undefined)
    if (target === undefined) this.broken.push(path)
    else if (target.isDirectory()) await this.visit(path)
    else if (target.isFile()) this.places.set(path, await realpath(link))
    else this.special.push(path)
  }
}
