// All files below a folder, in one order everywhere. Links to folders are followed once; what cannot be read, links
// that lead nowhere, and what has a name that no string can hold, are told of and left out.
import { isUtf8 } from 'node:buffer'
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GyrusError, throwIfAborted } from '../errors.js'

export interface Tree {
  /** Paths below the root, with '/', sorted by their bytes. */
  readonly files: readonly string[]
  /** Where each file lies without any link, a character for each byte: the same for two ways to one file. */
  readonly places: ReadonlyMap<string, string>
  /** Folders. */
  readonly unreadable: readonly string[]
  /** Links that lead nowhere. */
  readonly broken: readonly string[]
  /** Pipes, sockets and devices, and links to them. */
  readonly special: readonly string[]
  /** Names that are not UTF-8, with replacement characters: these paths lead nowhere, or to another file. */
  readonly misnamed: readonly Misnamed[]
}

export interface Misnamed {
  readonly path: string
  readonly isFolder: boolean
}

const dot = '.'.charCodeAt(0)
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
  const { places, unreadable, broken, special, misnamed } = walker
  return { files: [...places.keys()].sort(byBytes), places, unreadable, broken, special, misnamed }
}

class Walker {
  readonly places = new Map<string, string>()
  readonly unreadable: string[] = []
  readonly broken: string[] = []
  readonly special: string[] = []
  readonly misnamed: Misnamed[] = []
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
    const place = await placeOf(folder).catch(() => undefined)
    if (place !== undefined && this.#seen.has(place)) return
    // Decoded here: Node puts replacement characters into what it cannot decode, and two files may have one name then.
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch(() => undefined)
    if (place === undefined || entries === undefined) {
      this.unreadable.push(path)
      return
    }
    this.#seen.add(place)
    for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
      if (entry.name[0] !== dot) await this.#take(path, place, entry)
    }
  }

  async #take(folder: string, place: string, entry: Dirent<Buffer>): Promise<void> {
    const name = entry.name.toString()
    const path = folder === '' ? name : `${folder}/${name}`
    if (!isUtf8(entry.name)) {
      this.misnamed.push({ path, isFolder: await this.#isFolder(folder, entry) })
      return
    }
    if (entry.isDirectory()) return this.visit(path)
    if (entry.isFile()) {
      this.places.set(path, join(place, entry.name.toString('latin1')))
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
    else if (target.isFile()) this.places.set(path, await placeOf(link))
    else this.special.push(path)
  }

  /** Of what has a name that only bytes can say. */
  async #isFolder(folder: string, entry: Dirent<Buffer>): Promise<boolean> {
    if (!entry.isSymbolicLink()) return entry.isDirectory()
    const link = Buffer.concat([Buffer.from(`${join(this.#root, folder)}/`), entry.name])
    const target = await stat(link).catch(() => undefined)
    return target?.isDirectory() === true
  }
}

/** Without any link; of bytes, as a link may lead through any names. */
async function placeOf(path: string): Promise<string> {
  return (await realpath(path, { encoding: 'buffer' })).toString('latin1')
}
