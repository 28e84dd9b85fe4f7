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

export class Journal {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /**
   * Opens the journal of a run with this fingerprint, or begins one. `entries` is what an earlier process left;
   * undefined when the file belongs to another run.
   */
  static async open(
    path: string,
    fingerprint: string,
  ): Promise<{ journal: Journal; entries: Entry[] } | undefined> {
    const text = await readFile(path, 'utf8').catch(ignoreMissing)
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1)
    const [first, ...rest] = lines
    const header = JSON.stringify({ format: 1, fingerprint })
    if (first !== undefined && first !== header) return undefined
    if (text !== '') await truncate(path, Buffer.byteLength(lines.map((line) => `${line}\n`).join('')))
    const journal = new Journal(path, await open(path, 'a'))
    if (first === undefined) await journal.#write(header)
    return { journal, entries: rest.map((line) => JSON.parse(line) as Entry) }
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

function ignoreMissing(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
  throw error
}
