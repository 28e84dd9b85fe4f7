// A file that is written past the system's cache where its file system, the place and the memory allow it. Into the
// cache 4 MB of slices cost 10 ms of a core, past it none (docs/decisions.md, 31).
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { native } from '../native.js'

/** What the system asks places and lengths to be multiples of, on most disks. Others refuse, and the cache is used. */
const blockBytes = 512
/** No disk asks more of memory. */
const pageBytes = 4096

/** Memory whose address is a page's, so that a file can be written from it past the cache. */
export function pageAligned(bytes: number): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(bytes + pageBytes)
  return new Uint8Array(buffer, firstPage(buffer), bytes)
}

/** Where in a buffer the first page begins. Buffers of pageAligned() have room for their bytes behind it. */
export function firstPage(buffer: ArrayBuffer): number {
  return (pageBytes - native().addressWithin(buffer, pageBytes)) % pageBytes
}

export class BlockFile {
  readonly #cached: FileHandle
  /** Until the system refuses. */
  #direct: FileHandle | undefined

  private constructor(cached: FileHandle, direct: FileHandle | undefined) {
    this.#cached = cached
    this.#direct = direct
  }

  /** `flags`: 'w' or 'r+'. */
  static async open(path: string, flags: 'w' | 'r+'): Promise<BlockFile> {
    const cached = await open(path, flags)
    // Some file systems do not know of it: they say so here, or when the first block is written.
    const direct = await open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => undefined)
    return new BlockFile(cached, direct)
  }

  /** When the promise settles the bytes are in the file, though a power loss may still take them. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    const direct = isWhole(bytes, position) ? this.#direct : undefined
    if (direct !== undefined) {
      try {
        await writeAll(direct, bytes, position)
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
        this.#direct = undefined
        await direct.close()
      }
    }
    await writeAll(this.#cached, bytes, position)
  }

  /** Brings everything to the disk. */
  async sync(): Promise<void> {
    await this.#cached.sync()
  }

  async close(): Promise<void> {
    try {
      await this.#direct?.close()
    } finally {
      await this.#cached.close()
    }
  }
}

function isWhole({ buffer, byteOffset, length }: Uint8Array, position: number): boolean {
  return (
    buffer instanceof ArrayBuffer &&
    length > 0 &&
    length % blockBytes === 0 &&
    position % blockBytes === 0 &&
    (native().addressWithin(buffer, pageBytes) + byteOffset) % blockBytes === 0
  )
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
