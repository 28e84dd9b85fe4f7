// Image files into shards, once: the loader of views then serves labelled images as it serves curated slices.
// The folder is reused as long as the files (paths, sizes, times) and the way of cutting are the same.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { GyrusError, throwIfAborted } from '../errors.js'
import { lockFolder } from '../run/lock.js'
import { shardName, ShardWriter } from '../slices/shard-writer.js'
import { writeError, writeWhole } from '../write-file.js'
import { decodeImage, type Fit } from './decode.js'
import { faultOfFile, type FoundImage, type FoundSet, type Unreadable } from './found.js'
import type { LabelledSet } from './labelled-set.js'

export interface PrepareOptions {
  /** Where the shards go. */
  readonly folder: string
  readonly root: string
  /** Pixels of a side. */
  readonly size: number
  readonly fit: Fit
  readonly skipsUnreadable: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** labelled.json: what the shards hold. */
interface Prepared {
  /** recordFormat */
  readonly format: number
  readonly key: string
  readonly images: readonly FoundImage[]
  readonly unreadable: readonly Unreadable[]
}

/** Rises when files are decoded otherwise than before: older shards are made anew. */
const recordFormat = 3
const recordName = 'labelled.json'
const shardRows = 4096
const mostListed = 8

export async function prepareImages(found: FoundSet, options: PrepareOptions): Promise<LabelledSet> {
  const key = await keyOf(found, options)
  const known = await readRecord(options.folder)
  const record = known?.key === key ? known : await convert(found, key, options)
  const { images } = record
  const unreadable = [...found.unreadable, ...record.unreadable]
  refuseUnreadable(unreadable, options)
  if (found.classes.length < 2)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${options.root}: images of two classes at least must be readable`,
    )
  const lost = found.classes.filter((name) => !images.some(({ label }) => label === name))
  if (lost.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${options.root}: no image of ${lost.join(', ')} can be read`,
    )
  const shards = Math.ceil(images.length / shardRows)
  return {
    shards: Array.from({ length: shards }, (_, shard) => join(options.folder, shardName(shard))),
    classes: found.classes,
    rows: Uint32Array.from(images.keys()),
    labels: Int32Array.from(images, ({ label }) => found.classes.indexOf(label)),
    parts: images.map(({ part }) => part),
    patients: images.map(({ patient }) => patient),
    names: images.map(({ path }) => path),
    fingerprint: key,
    warnings: [...found.warnings, ...unreadable.map(({ message }) => `left out: ${message}`)],
  }
}

function refuseUnreadable(
  unreadable: readonly Unreadable[],
  { skipsUnreadable, root }: PrepareOptions,
): void {
  if (unreadable.length === 0 || skipsUnreadable) return
  const listed = unreadable.slice(0, mostListed).map(({ message }) => message)
  const rest = unreadable.length > mostListed ? [`and ${unreadable.length - mostListed} more`] : []
  throw new GyrusError(
    'ERR_GYRUS_FILE_FORMAT',
    `${unreadable.length} images of ${root} cannot be read: ${[...listed, ...rest].join('; ')}; ` +
      'mend or remove them, or ' +
      'pass skipUnreadable to leave them out',
  )
}

/** Of what the shards are made: the files' names below the root, so that a set may be moved. */
async function keyOf(found: FoundSet, { root, size, fit }: PrepareOptions): Promise<string> {
  const hash = createHash('sha256').update(
    JSON.stringify({ form: found.form, size, fit, classes: found.classes }),
  )
  for (const { path, label, part, patient } of found.images) {
    const { size: bytes, mtimeMs } = await stat(join(root, path))
    hash.update(JSON.stringify([path, label, part, patient, bytes, mtimeMs]))
  }
  return hash.digest('hex')
}

async function readRecord(folder: string): Promise<Prepared | undefined> {
  try {
    const record = JSON.parse(await readFile(join(folder, recordName), 'utf8')) as Prepared
    return record.format === recordFormat ? record : undefined
  } catch {
    return undefined // there is none, or an unfinished one: it is made anew
  }
}

async function convert(found: FoundSet, key: string, options: PrepareOptions): Promise<Prepared> {
  const { folder } = options
  try {
    await mkdir(folder, { recursive: true })
    const unlock = await lockFolder(folder) // two runs may share a cache
    try {
      const known = await readRecord(folder)
      return known?.key === key ? known : await writeShards(found, key, options)
    } finally {
      await unlock()
    }
  } catch (error) {
    throw writeError(folder, error)
  }
}

async function writeShards(found: FoundSet, key: string, options: PrepareOptions): Promise<Prepared> {
  const { folder, size } = options
  await rm(join(folder, recordName), { force: true })
  for (const name of await readdir(folder)) if (/^slices-\d+\.npy/.test(name)) await rm(join(folder, name))
  const writer = await ShardWriter.open({ folder, size, rows: shardRows }, 0)
  const images: FoundImage[] = []
  const unreadable: Unreadable[] = []
  try {
    let done = 0
    for await (const { image, result } of decodeInOrder(found.images, options)) {
      if (result instanceof Uint16Array) {
        await writer.append(result)
        images.push(image)
      } else unreadable.push({ path: image.path, message: result.message })
      options.onProgress?.(++done, found.images.length)
    }
    await writer.end()
  } finally {
    await writer.close()
  }
  const record: Prepared = { format: recordFormat, key, images, unreadable }
  await writeWhole(join(folder, recordName), `${JSON.stringify(record)}\n`, true)
  return record
}

/** Some images ahead, so that decoders run beside one another; results in the order of the list. */
async function* decodeInOrder(
  images: readonly FoundImage[],
  { root, size, fit, signal }: PrepareOptions,
): AsyncGenerator<{ image: FoundImage; result: Uint16Array | Error }> {
  const ahead = 2 * availableParallelism()
  const start = (image: FoundImage): Promise<Uint16Array | Error> => {
    const result = decodeImage(join(root, image.path), size, fit).catch(faultOfFile)
    result.catch(() => undefined) // thrown when it is due
    return result
  }
  const running: Promise<Uint16Array | Error>[] = []
  for (let at = 0; at < images.length + ahead; at += 1) {
    throwIfAborted(signal)
    const [next, due] = [images[at], images[at - ahead]]
    if (next !== undefined) running.push(start(next))
    if (due !== undefined)
      yield { image: due, result: (await running.shift()) ?? new Error('nothing was decoded') }
  }
}
