// A log of one JSON object a line, one line a step. Continuing after step N removes the lines of later steps first, so
// that an interrupted and continued run leaves the same bytes as one that was not.
import { open, readFile, rename, writeFile, type FileHandle } from 'node:fs/promises'
import { GyrusError } from '../errors.js'
import { writeError } from '../write-file.js'

export interface StepLine {
  readonly step: number
}

export class JsonLines<Line extends StepLine> {
  readonly #path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** Opens for appending, after the lines of steps up to `lastStep` (0: an empty file). */
  static async open<Line extends StepLine>(path: string, lastStep: number): Promise<JsonLines<Line>> {
    try {
      const kept = lastStep === 0 ? [] : (await readLines<Line>(path)).filter(({ step }) => step <= lastStep)
      if (kept.length !== lastStep)
        throw new GyrusError(
          'ERR_GYRUS_FILE_FORMAT',
          `${path} has ${kept.length} of the first ${lastStep} steps: it was changed since; restore it, or start ` +
            'anew in another folder',
        )
      await writeFile(`${path}.partial`, kept.map((line) => `${JSON.stringify(line)}\n`).join(''))
      await rename(`${path}.partial`, path)
      return new JsonLines<Line>(path, await open(path, 'a'))
    } catch (error) {
      throw writeError(path, error)
    }
  }

  async append(line: Line): Promise<void> {
    try {
      await this.#handle.appendFile(`${JSON.stringify(line)}\n`)
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }

  /** Waits until the disk has all lines. */
  async sync(): Promise<void> {
    try {
      await this.#handle.sync()
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** The whole lines of a log; a last line that was cut off is left out. */
export async function readLines<Line>(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8')
  const end = text.lastIndexOf('\n')
  if (end < 0) return []
  return text
    .slice(0, end)
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
