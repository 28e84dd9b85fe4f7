// Pictures of the test that are nearly in the training as well: they make a test easy. Two are near when small
// versions of them, less their mean, point the same way; mirror images count, since training mirrors too.
import { nearestNeighbours } from '../features.js'
import type { ViewLoader } from '../view-loader.js'
import type { LabelledSet } from './labelled-set.js'

export const thumbnailSize = 32

export interface Duplicate {
  /** Places in the set's lists. */
  readonly test: number
  readonly train: number
  /** Correlation of the two small versions. */
  readonly similarity: number
  readonly isMirrored: boolean
}

/** `views`: of the set's shards, at thumbnailSize pixels, mean 0, std 1, one channel. The nearest of each test item. */
export async function findDuplicates(
  set: LabelledSet,
  views: ViewLoader,
  train: readonly number[],
  test: readonly number[],
  threshold: number,
): Promise<Duplicate[]> {
  const bank = await thumbnails(set, views, train)
  const queries = await thumbnails(set, views, test)
  const dim = thumbnailSize ** 2
  const plain = await nearestNeighbours(bank, queries, { dim, k: 1 })
  const mirrored = await nearestNeighbours(bank, mirror(queries), { dim, k: 1 })
  return test.flatMap((place, at) => {
    const isMirrored = (mirrored.similarities[at] ?? 0) > (plain.similarities[at] ?? 0)
    const best = isMirrored ? mirrored : plain
    const similarity = best.similarities[at] ?? 0
    const other = train[best.indices[at] ?? 0]
    return similarity >= threshold && other !== undefined
      ? [{ test: place, train: other, similarity, isMirrored }]
      : []
  })
}

/** [places, dim], each less its mean; an even picture is all zeros and like nothing. */
async function thumbnails(
  set: LabelledSet,
  views: ViewLoader,
  places: readonly number[],
): Promise<Float32Array> {
  const dim = thumbnailSize ** 2
  const x = new Float32Array(places.length * dim)
  await views.plain(
    Uint32Array.from(places, (place) => set.rows[place] ?? 0),
    x,
  )
  for (let first = 0; first < x.length; first += dim) {
    const own = x.subarray(first, first + dim)
    const mean = own.reduce((sum, value) => sum + value, 0) / dim
    own.forEach((value, at) => {
      own[at] = value - mean
    })
  }
  return x
}

function mirror(images: Float32Array): Float32Array {
  return images.map((_, at) => {
    const column = at % thumbnailSize
    return images[at - column + (thumbnailSize - 1 - column)] ?? 0
  })
}
