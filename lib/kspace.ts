// The k-space of a file of the form of fastMRI's, read slice by slice: what reconstruction begins with.
import * as z from 'zod'
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import { native, type KspaceFacts, type NativeKspaceReader } from './native.js'
import { callOptions, signal, type CallOptions } from './options/encoder.js'
import { parseOptions } from './options/parse.js'
import { mostBytes } from './volume.js'

const readSliceOptions = z.strictObject({
  signal,
  out: z
    .instanceof(Float32Array, { error: 'a Float32Array' })
    .optional()
    .describe('takes the numbers instead of a new array'),
})
export type ReadSliceOptions = z.input<typeof readSliceOptions>

/** Calls run in order on a thread of their own; at most two may be under way. The file stays open until dispose(). */
class Kspace implements AsyncDisposable, KspaceFacts {
  readonly #native: NativeKspaceReader
  #disposal: Promise<void> | undefined
  readonly shape: KspaceFacts['shape']
  readonly mask?: Float32Array
  readonly header?: NonNullable<KspaceFacts['header']>
  readonly attributes: KspaceFacts['attributes']

  constructor(reader: NativeKspaceReader, { shape, mask, header, attributes }: KspaceFacts) {
    this.#native = reader
    this.shape = shape
    if (mask !== undefined) this.mask = mask
    if (header !== undefined) this.header = header
    this.attributes = attributes
  }

  /**
   * One slice, [coils, rows, columns] complex numbers, of each the real part and then the imaginary one: an array of
   * 2 * coils * rows * columns. With `out`, into that array, which is lent to the engine until the promise settles.
   */
  async read(slice: number, options: ReadSliceOptions = {}): Promise<Float32Array> {
    const { signal, out } = parseOptions(readSliceOptions, 'Kspace.read', options)
    const [slices, ...rest] = this.shape
    if (!Number.isInteger(slice) || slice < 0 || slice >= slices) {
      const kind = typeof slice === 'number' ? 'range' : 'type'
      throw invalidOption('Kspace.read: slice', `a whole number from 0 to ${slices - 1}`, slice, kind)
    }
    return callEngine(this.read, signal, async (ticket) => {
      const into = out ?? new Float32Array(rest.reduce((product, extent) => product * extent, 2))
      await this.#native.read(slice, into, ticket)
      return into
    })
  }

  /** Closes the file, after the calls under way. Calling it again waits for the same end. */
  dispose(): Promise<void> {
    this.#disposal ??= callEngine(this.dispose, undefined, () => this.#native.dispose())
    return this.#disposal
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
export type { Kspace }

/**
 * Opens the `kspace` of a .h5 file of fastMRI, or of M4Raw, which has the same form: multi-coil
 * [slices, coils, rows, columns], or single-coil [slices, rows, columns], whose `shape` then has one coil. Rows are
 * samples of the readout, columns lines of phase encoding, nothing is shifted or scaled. Only one slice is in memory at
 * a time, with the chunks that hold it; where these need more than a quarter of the memory, the file is refused.
 */
export async function openKspace(path: string, options: CallOptions = {}): Promise<Kspace> {
  if (typeof path !== 'string') throw invalidOption('openKspace: path', 'the path of a .h5 file', path)
  const { signal } = parseOptions(callOptions, 'openKspace', options)
  const reader = new (native().KspaceReader)()
  try {
    const facts = await callEngine(openKspace, signal, (ticket) => reader.open(path, mostBytes(), ticket))
    return new Kspace(reader, facts)
  } catch (error) {
    await reader.dispose()
    throw error
  }
}
