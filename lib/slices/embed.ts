// Features of a curated folder's slices, batch by batch: the next batch is read while this one is computed.
import type { Encoder } from '../encoder.js'
import { throwIfAborted } from '../errors.js'
import type { ViewLoader } from '../view-loader.js'

export interface EmbedRowsOptions {
  readonly batchSize: number
  /** Elements of one image. */
  readonly elements: number
  /** Share of the slices' side that is seen, in their middle; all of it unless given. */
  readonly side?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Yields the features [n, dim] of the rows, in their order, a batch at a time. */
export async function* embedRows(
  encoder: Encoder,
  views: ViewLoader,
  rows: Uint32Array,
  options: EmbedRowsOptions,
): AsyncGenerator<Float32Array> {
  const { batchSize, elements, side, signal, onProgress } = options
  const read = async (first: number): Promise<Float32Array> => {
    const batch = rows.subarray(first, first + batchSize)
    const x = new Float32Array(batch.length * elements)
    if (batch.length > 0) await views.plain(batch, x, { side })
    return x
  }
  let next = read(0)
  for (let first = 0; first < rows.length; first += batchSize) {
    throwIfAborted(signal)
    const x = await next
    next = read(first + batchSize)
    next.catch(() => undefined) // reported when it is wanted
    yield await encoder.embed(x, { signal })
    onProgress?.(Math.min(first + batchSize, rows.length), rows.length)
  }
  await next
}

/** The same in one array. */
export async function embedAll(
  encoder: Encoder,
  views: ViewLoader,
  rows: Uint32Array,
  options: EmbedRowsOptions,
): Promise<Float32Array> {
  const features = new Float32Array(rows.length * encoder.dim)
  let at = 0
  for await (const part of embedRows(encoder, views, rows, options)) {
    features.set(part, at)
    at += part.length
  }
  return features
}
