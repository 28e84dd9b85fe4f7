// One reader at work on one volume after another, or two at once: measure, choose, cut out.
import { join } from 'node:path'
import { callEngine } from '../call.js'
import type { VolumeSource } from '../datasets/source.js'
import { GyrusError } from '../errors.js'
import {
  native,
  type NativeVolumeFacts,
  type NativeVolumeMemory,
  type NativeVolumeReader,
  type SliceStatistics,
} from '../native.js'
import type { CurateSettings } from '../options/curate.js'
import { planeOf, type Plane } from './plane.js'
import { measureImage, readImage } from './read-image.js'
import type { SliceBuffers } from './slice-buffers.js'

export interface Window {
  readonly low: number
  readonly high: number
}

/** Of two volumes that are open at once, which. One that is open alone is the first. */
export type Place = 0 | 1

/** What a reader needs beside its volumes: rows of slices in one order, counts, tables. */
const ownBytes = 8 * 2 ** 20
const axes = { sagittal: 0, coronal: 1, axial: 2 } as const

export class VolumeWorker {
  readonly #reader: NativeVolumeReader
  readonly #settings: CurateSettings
  readonly #buffers: SliceBuffers
  readonly #signal: AbortSignal | undefined
  /** Of the volumes that are open. */
  #planes: readonly [Plane, Plane]

  constructor(
    settings: CurateSettings,
    memory: NativeVolumeMemory,
    buffers: SliceBuffers,
    signal: AbortSignal | undefined,
  ) {
    this.#reader = new (native().VolumeReader)(memory)
    this.#settings = settings
    this.#buffers = buffers
    this.#signal = signal
    this.#planes = [settings.plane, settings.plane]
  }

  /** Of memory, what work on a volume needs, by the head of its file; `countOf` tells how many slices are cut out. */
  async bytesFor(source: VolumeSource, countOf: (slices: number) => number): Promise<number> {
    const path = join(source.root, source.path)
    const { format } = source
    const { frame, size, maxVolume } = this.#settings
    const { bytes, shape } =
      format === 'image'
        ? await measureImage(path)
        : await this.#call((ticket) => this.#reader.announce(path, format, frame, ticket))
    if (bytes > maxVolume * 2 ** 20)
      throw new GyrusError(
        'ERR_GYRUS_OUT_OF_MEMORY',
        `${path} needs ${bytes} bytes of memory, more than one volume may take: leave it out, or raise maxVolume`,
      )
    const slices = shape[axes[planeOf(source, this.#settings)]]
    return bytes + countOf(slices) * size ** 2 * Uint16Array.BYTES_PER_ELEMENT + ownBytes
  }

  async open(source: VolumeSource): Promise<NativeVolumeFacts> {
    this.#planes = [planeOf(source, this.#settings), this.#settings.plane]
    const path = join(source.root, source.path)
    const { format } = source
    if (format !== 'image') {
      const { frame } = this.#settings
      return this.#call((ticket) => this.#reader.open(path, format, frame, ticket))
    }
    const { pixels, rows, columns, sha256 } = await readImage(path)
    return this.#call(() => this.#reader.openImage(pixels, rows, columns, sha256))
  }

  /** Two NIfTI files. One that cannot be read is its error, and the other is none the worse. */
  async openBoth(
    first: VolumeSource,
    second: VolumeSource,
  ): Promise<readonly (NativeVolumeFacts | GyrusError)[]> {
    const { frame, plane } = this.#settings
    this.#planes = [plane, plane]
    const [one, other] = [first, second].map(({ root, path }) => join(root, path)) as [string, string]
    return this.#call((ticket) => this.#reader.openBoth(one, other, frame, ticket))
  }

  /** Statistics of the volume that is open. */
  async examine(volume: Place): Promise<SliceStatistics> {
    const { percentiles, percentilesOf, entropyOver, foregroundThreshold } = this.#settings
    const options = {
      volume,
      plane: this.#planes[volume],
      percentileLow: percentiles[0],
      percentileHigh: percentiles[1],
      countsZeros: percentilesOf === 'all',
      entropyOver,
      foregroundThreshold,
    }
    return this.#call((ticket) => this.#reader.examine(options, ticket))
  }

  /** Slices of the volume that is open, 16 bits over the window, [n, size, size], in an array of the buffers. */
  async extract(
    volume: Place,
    window: Window,
    indices: readonly number[],
    size: number,
  ): Promise<Uint16Array> {
    const { low, high } = window
    const request = { volume, plane: this.#planes[volume], low, high, size }
    const out = this.#buffers.take(indices.length * size ** 2)
    try {
      await this.#call((ticket) => this.#reader.extract(request, Int32Array.from(indices), out, ticket))
      return out
    } catch (error) {
      this.#buffers.give(out)
      throw error
    }
  }

  /** Gives the memory of what is open back, whether or not the run was cancelled. */
  async close(): Promise<void> {
    await this.#reader.close()
  }

  async dispose(): Promise<void> {
    await this.#reader.dispose()
  }

  #call<Result>(start: Parameters<typeof callEngine<Result>>[2]): Promise<Result> {
    return callEngine(this.open, this.#signal, start)
  }
}
