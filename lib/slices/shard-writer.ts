// Slices into .npy shards of a fixed number of rows. A shard that is not finished ends in `.partial`; where a run was
// killed, the next one cuts it back to the last row that the journal knows and the disk has.
import { readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { writeError } from '../write-file.js'
import { BlockFile, pageAligned } from './block-file.js'

/** A page, so that slices can be written past the system's cache, and are mapped where a page begins. */
export const headerBytes = 4096
const pattern = /^slices-(\d{5,})\.npy(\.partial)?$/

export interface ShardLayout {
  readonly folder: string
  /** Pixels of a slice's side. */
  readonly size: number
  /** Slices a shard. */
  readonly rows: number
}

/** "slices-00012.npy" */
export function shardName(shard: number): string {
  return `slices-${String(shard).padStart(5, '0')}.npy`
}

/** The header of a version 1.0 .npy file: uint16, C order, [rows, size, size]. */
export function npyHeader(rows: number, size: number): Uint8Array {
  const words = `{'descr': '<u2', 'fortran_order': False, 'shape': (${rows}, ${size}, ${size}), }`
  const header = pageAligned(headerBytes)
  const bytes = Buffer.from(header.buffer, header.byteOffset, headerBytes)
  bytes.write('\x93NUMPY\x01\x00', 'latin1')
  bytes.writeUInt16LE(headerBytes - 10, 8)
  bytes.write(words.padEnd(headerBytes - 11) + '\n', 10, 'latin1')
  return header
}

export class ShardWriter {
  readonly #layout: ShardLayout
  #rows: number
  #file: BlockFile | undefined
  /** The shard on its way to the disk, if any; the error that it met, or undefined. */
  #finishing: Promise<Error | undefined> = Promise.resolve(undefined)

  private constructor(layout: ShardLayout, rows: number) {
    this.#layout = layout
    this.#rows = rows
  }

  /**
   * How many rows of a set are on the disk. File systems bring a file's length there after its bytes: after a power
   * loss a shard may be shorter than what was appended, but what there is of it is good.
   */
  static async countRows({ folder, size, rows }: ShardLayout): Promise<number> {
    for (let shard = 0, total = 0; ; shard += 1) {
      const path = join(folder, shardName(shard))
      const bytes = (await sizeOf(path)) ?? (await sizeOf(`${path}.partial`)) ?? 0
      const found = Math.floor((bytes - headerBytes) / (size ** 2 * Uint16Array.BYTES_PER_ELEMENT))
      total += Math.min(rows, Math.max(0, found))
      if (found < rows) return total
    }
  }

  /** Continues behind the first `rows` rows of the set; everything after them is removed. They must be there. */
  static async open(layout: ShardLayout, rows: number): Promise<ShardWriter> {
    const active = Math.floor(rows / layout.rows)
    const isStarted = rows % layout.rows > 0
    for (const name of await readdir(layout.folder)) {
      const match = pattern.exec(name)
      if (match === null) continue
      const shard = Number(match[1])
      const path = join(layout.folder, name)
      if (shard > active || (shard === active && !isStarted)) await rm(path)
      else if (shard === active && match[2] === undefined) await rename(path, `${path}.partial`)
    }
    const writer = new ShardWriter(layout, rows)
    // The last full shard may have been on its way to the disk.
    if (active > 0) await writer.#finishAgain(active - 1)
    if (isStarted) await truncate(writer.#partial(active), writer.#offset(rows % layout.rows))
    return writer
  }

  /** Rows written so far, over all shards. */
  get rows(): number {
    return this.#rows
  }

  #path(shard: number): string {
    return join(this.#layout.folder, shardName(shard))
  }

  #partial(shard: number): string {
    return `${this.#path(shard)}.partial`
  }

  #offset(row: number): number {
    return headerBytes + row * this.#layout.size ** 2 * Uint16Array.BYTES_PER_ELEMENT
  }

  /**
   * Appends slices, [n, size, size], fastest from memory of pageAligned(). When the promise settles they are in the
   * file, though a power loss may still take them.
   */
  async append(slices: Uint16Array): Promise<void> {
    const { rows, size } = this.#layout
    const total = slices.length / size ** 2
    for (let done = 0; done < total;) {
      const shard = Math.floor(this.#rows / rows)
      const row = this.#rows % rows
      const count = Math.min(total - done, rows - row)
      const piece = slices.subarray(done * size ** 2, (done + count) * size ** 2)
      try {
        this.#file ??= await this.#open(shard, row)
        const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
        await this.#file.write(bytes, this.#offset(row))
      } catch (error) {
        throw writeError(this.#partial(shard), error)
      }
      this.#rows += count
      done += count
      if (this.#rows % rows === 0) await this.#startToFinish(shard, rows)
    }
  }

  async #open(shard: number, row: number): Promise<BlockFile> {
    const file = await BlockFile.open(this.#partial(shard), row === 0 ? 'w' : 'r+')
    if (row === 0) await file.write(npyHeader(0, this.#layout.size), 0)
    return file
  }

  /** Lets a full shard go to the disk while the next one is filled; one at a time. */
  async #startToFinish(shard: number, rows: number): Promise<void> {
    await this.#throwIfFailed(this.#finishing)
    const file = this.#file ?? (await this.#open(shard, rows))
    this.#file = undefined
    this.#finishing = this.#finish(file, shard, rows).then(
      () => undefined,
      (error: unknown) => writeError(this.#path(shard), error),
    )
  }

  async #throwIfFailed(finishing: Promise<Error | undefined>): Promise<void> {
    const error = await finishing
    if (error !== undefined) throw error
  }

  /** Gives a shard its header and its name, once everything is on the disk. */
  async #finish(file: BlockFile, shard: number, rows: number): Promise<void> {
    try {
      await file.write(npyHeader(rows, this.#layout.size), 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(this.#partial(shard), this.#path(shard))
  }

  async #finishAgain(shard: number): Promise<void> {
    const file = await BlockFile.open(this.#partial(shard), 'r+').catch(ignoreMissing)
    if (file !== undefined) await this.#finish(file, shard, this.#layout.rows)
  }

  /** Finishes the last shard; then all are on the disk. */
  async end(): Promise<void> {
    const rest = this.#rows % this.#layout.rows
    if (rest > 0) await this.#startToFinish(Math.floor(this.#rows / this.#layout.rows), rest)
    await this.#throwIfFailed(this.#finishing)
  }

  /** Lets go of the files; what was appended can be continued later. */
  async close(): Promise<void> {
    await this.#finishing
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(ignoreMissing))?.size
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  return undefined
}
