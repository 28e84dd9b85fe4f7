// Features of every slice of a curated folder into one .npy file, in the order of the shards' rows.
import { open, rename, rm } from 'node:fs/promises'
import { Encoder } from '../encoder.js'
import type { LoadReport, SessionInfo } from '../native.js'
import { ViewLoader } from '../view-loader.js'
import { writeError } from '../write-file.js'
import { readCurated } from './curated.js'
import { embedRows } from './embed.js'
import type { EncoderOptions } from '../options/encoder.js'

export interface EmbedFolderOptions extends Pick<
  EncoderOptions,
  'weights' | 'arch' | 'heads' | 'device' | 'precision' | 'threads'
> {
  /** A folder that `gyrus curate` wrote. */
  readonly data: string
  /** float32 [slices, dim]; appears when it is complete. */
  readonly output: string
  readonly imageSize: number
  readonly channels: 1 | 3
  readonly mean?: number | undefined
  readonly std?: number | undefined
  readonly batchSize: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

export async function embedFolder(
  options: EmbedFolderOptions,
): Promise<{ count: number; dim: number; info: SessionInfo; loadReport: LoadReport }> {
  const { data, output, imageSize, channels, mean, std, batchSize, signal, onProgress, ...network } = options
  const slices = await readCurated(data)
  const { shards, count } = slices
  await using views = await ViewLoader.open({ shards, imageSize, channels, mean, std }, { signal })
  await using encoder = await Encoder.load({ ...network, imageSize, channels }, { signal })
  const rows = Uint32Array.from({ length: count }, (_, row) => row)
  const elements = channels * imageSize ** 2
  const partial = `${output}.partial`
  try {
    const file = await open(partial, 'w')
    try {
      await file.write(npyHeader([count, encoder.dim]))
      for await (const part of embedRows(encoder, views, rows, { batchSize, elements, signal, onProgress }))
        await file.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, output)
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw writeError(output, error)
  }
  return { count, dim: encoder.dim, info: encoder.info, loadReport: encoder.loadReport }
}

/** Of float32 in C order, version 1.0; the data begins at a multiple of 64 bytes. */
function npyHeader(shape: readonly number[]): Buffer {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`
  const prefix = 10
  const header = `${dict.padEnd(Math.ceil((prefix + dict.length + 1) / 64) * 64 - prefix - 1)}\n`
  const length = Buffer.alloc(2)
  length.writeUInt16LE(header.length)
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header, 'latin1')])
}
