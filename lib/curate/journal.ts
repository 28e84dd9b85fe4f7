// What a run has done so far, a JSON object a line, so that a killed one can go on. A line is written after the rows
// that it speaks of; one that was cut off by a kill is dropped.
import { open, readFile, truncate, type FileHandle } from 'node:fs/promises'
import { writeError } from '../write-file.js'

/** What was measured of a volume. */
export interface Measured {
  readonly kind: 'volume'
  /** Place in the plan. */
  readonly volume: number
  readonly sha256: string
  readonly patientId: string
  readonly low: number
  readonly high: number
  readonly entropy: readonly number[]
  readonly foreground: readonly number[]
  readonly nonFinite: number
  /** Rows in the shards after this volume. */
  readonly rows: number
}

/** A volume that could not be read: measured, or, in the second pass of a run that keeps a total, read again. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly volume: number
  readonly code: string
  readonly message: string
}

/** In a run that keeps a total: the rows of a volume, in a second pass. */
export interface Extracted {
  readonly kind: 'extracted'
  readonly volume: number
  readonly rows: number
}

export type Entry = Measured | Unreadable | Extracted

/** 2: the header of a shard is a page. */
const format = 2

export class Journal {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /**
   * Opens the journal of a run with this fingerprint, or begins one. `entries` is what an earlier process left, as far
   * as `usable` says how many of them hold; undefined when the file belongs to another run.
   */
  static async open(
    path: string,
    fingerprint: string,
    usable: (entries: readonly Entry[]) => number,
  ): Promise<{ journal: Journal; entries: readonly Entry[] } | undefined> {
    const text = await readFile(path, 'utf8').catch(ignoreMissing)
    const [first, ...rest] = text.slice(0, Math.max(0, text.lastIndexOf('\n'))).split('\n')
    const header = JSON.stringify({ format, fingerprint })
    if (first !== '' && first !== header) return undefined
    const read = readEntries(rest)
    const entries = read.slice(0, usable(read))
    const kept = first === '' ? [] : [header, ...rest.slice(0, entries.length)]
    if (text !== '') await truncate(path, Buffer.byteLength(kept.map((line) => `${line}\n`).join('')))
    const journal = new Journal(path, await open(path, 'a'))
    if (first === '') await journal.#write(header)
    return { journal, entries }
  }

  async append(entry: Entry): Promise<void> {
    await this.#write(JSON.stringify(entry))
  }

  async #write(line: string): Promise<void> {
    try {
      await this.#file.appendFile(`${line}\n`)
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** The entries up to the first line that is none: a power loss may leave anything behind the last one. */
function readEntries(lines: readonly string[]): Entry[] {
  const entries: Entry[] = []
  for (const line of lines) {
    try {
      entries.push(JSON.parse(line) as Entry)
    } catch {
      break
    }
  }
  return entries
}

function ignoreMissing(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
  throw error
}
