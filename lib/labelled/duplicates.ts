// Pictures of one side of a split that are nearly on another side as well: they make a test easy. Two are near when
// small versions of them, less their mean, point the same way; mirror images count, since training mirrors too.
import { nearestNeighbours } from '../features.js'
import type { ViewLoader } from '../view-loader.js'
import type { LabelledSet } from './labelled-set.js'

export const thumbnailSize = 32
const dim = thumbnailSize ** 2
const leastSpread = 1e-4 // of values from 0 to 1, standard deviation: an evener picture is like nothing

export interface Twin {
  /** Places in the set's lists. */
  readonly of: number
  readonly place: number
  /** Correlation of the two small versions. */
  readonly similarity: number
  readonly isMirrored: boolean
}

interface Thumbnails {
  readonly places: readonly number[]
  /** [places, dim], each less its mean; an even picture is all zeros. */
  readonly x: Float32Array
}

/** `views`: of the set's shards, at thumbnailSize pixels, mean 0, std 1, one channel. */
export async function thumbnailsOf(
  set: LabelledSet,
  views: ViewLoader,
  places: readonly number[],
  signal?: AbortSignal,
): Promise<Thumbnails> {
  const x = new Float32Array(places.length * dim)
  if (places.length === 0) return { places, x }
  await views.plain(
    Uint32Array.from(places, (place) => set.rows[place] ?? 0),
    x,
    { signal },
  )
  for (let first = 0; first < x.length; first += dim) {
    const own = x.subarray(first, first + dim)
    const mean = own.reduce((sum, value) => sum + value, 0) / dim
    const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    const isEven = squares < dim * leastSpread ** 2
    own.forEach((value, at) => {
      own[at] = isEven ? 0 : value - mean
    })
  }
  return { places, x }
}

/** Of each of `queries` that is as near as `threshold` to one of `bank`: the nearest of these. */
export async function findTwins(
  bank: Thumbnails,
  queries: Thumbnails,
  threshold: number,
  signal?: AbortSignal,
): Promise<Twin[]> {
  if (bank.places.length === 0 || queries.places.length === 0) return []
  const plain = await nearestNeighbours(bank.x, queries.x, { dim, k: 1, signal })
  const mirrored = await nearestNeighbours(bank.x, mirror(queries.x), { dim, k: 1, signal })
  return queries.places.flatMap((of, at) => {
    const isMirrored = (mirrored.similarities[at] ?? 0) > (plain.similarities[at] ?? 0)
    const best = isMirrored ? mirrored : plain
    const similarity = best.similarities[at] ?? 0
    const place = bank.places[best.indices[at] ?? 0]
    return similarity >= threshold && place !== undefined ? [{ of, place, similarity, isMirrored }] : []
  })
}

function mirror(images: Float32Array): Float32Array {
  return images.map((_, at) => {
    const column = at % thumbnailSize
    return images[at - column + (thumbnailSize - 1 - column)] ?? 0
  })
}
