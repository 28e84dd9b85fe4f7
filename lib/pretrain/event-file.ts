// TensorBoard's event files: records of a length, its checksum, a protobuf message Event, and that one's checksum. The
// messages are so small that their bytes are put together here: fields 1 (double wall_time), 2 (int64 step), 3 (string
// file_version) or 5 (Summary of Values: 1 string tag, 2 float simple_value).
import { open, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { writeError } from '../write-file.js'

export class EventFile {
  readonly #path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** A new file in the folder: TensorBoard shows all files of a folder as one run. */
  static async create(folder: string): Promise<EventFile> {
    const seconds = Math.floor(Date.now() / 1000)
    const path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`)
    try {
      const file = new EventFile(path, await open(path, 'a'))
      await file.#write(message(double(1, Date.now() / 1000), bytes(3, Buffer.from('brain.Event:2'))))
      return file
    } catch (error) {
      throw writeError(path, error)
    }
  }

  async scalars(step: number, values: Readonly<Record<string, number>>): Promise<void> {
    const summary = Object.entries(values).map(([tag, value]) =>
      bytes(1, message(bytes(1, Buffer.from(tag)), float(2, value))),
    )
    await this.#write(message(double(1, Date.now() / 1000), integer(2, step), bytes(5, message(...summary))))
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  async #write(event: Buffer): Promise<void> {
    const head = Buffer.alloc(12)
    head.writeBigUInt64LE(BigInt(event.length))
    head.writeUInt32LE(masked(crc32c(head.subarray(0, 8))), 8)
    const tail = Buffer.alloc(4)
    tail.writeUInt32LE(masked(crc32c(event)))
    try {
      await this.#handle.appendFile(Buffer.concat([head, event, tail]))
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }
}

const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

const message = (...fields: readonly Buffer[]): Buffer => Buffer.concat(fields)
const tag = (field: number, type: number): Buffer => Buffer.from([field * 8 + type])

function varint(value: number): Buffer {
  const digits: number[] = []
  let rest = value
  while (rest >= 128) {
    digits.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...digits, rest])
}

function double(field: number, value: number): Buffer {
  const data = Buffer.alloc(8)
  data.writeDoubleLE(value)
  return Buffer.concat([tag(field, wireType.fixed64), data])
}

function float(field: number, value: number): Buffer {
  const data = Buffer.alloc(4)
  data.writeFloatLE(value)
  return Buffer.concat([tag(field, wireType.fixed32), data])
}

const integer = (field: number, value: number): Buffer =>
  Buffer.concat([tag(field, wireType.varint), varint(value)])
const bytes = (field: number, data: Buffer): Buffer =>
  Buffer.concat([tag(field, wireType.bytes), varint(data.length), data])

/** Castagnoli's polynomial, reflected. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let state = byte
  for (let bit = 0; bit < 8; bit += 1) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0)
  return state >>> 0
})

export function crc32c(data: Uint8Array): number {
  let state = 0xffffffff
  for (const byte of data) state = (table[(state ^ byte) & 255] ?? 0) ^ (state >>> 8)
  return (state ^ 0xffffffff) >>> 0
}

/** The format's protection against checksums of data that holds checksums. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
