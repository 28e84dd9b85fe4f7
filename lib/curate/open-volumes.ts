// Volumes are opened once there is memory for them, and closed when a task with them is done.
import { isGyrusError, type GyrusError } from '../errors.js'
import type { VolumeSource } from '../datasets/source.js'
import type { NativeVolumeFacts } from '../native.js'
import type { MemoryBudget } from './memory-budget.js'
import type { Place, VolumeWorker } from './volume-worker.js'

/** What is known of a volume once it is open, or why it cannot be. */
export type Opened = NativeVolumeFacts | GyrusError

/** What is done with a volume while it is open, and how many slices are cut out of one of so many. */
export interface Task<Item, Result> {
  readonly use: (worker: VolumeWorker, item: Item, place: Place, opened: Opened) => Promise<Result>
  readonly countOf: (item: Item, slices: number) => number
}

interface HasSource {
  readonly turn: { readonly source: VolumeSource }
}

/** An item and the bytes that it needs, or why it cannot be read. */
interface Asked<Item> {
  readonly item: Item
  readonly bytes: number
  readonly error: GyrusError | undefined
}

/**
 * Does a task with each volume of a group: with both at once, or, where all `readers` could not do so within the
 * budget, one after the other.
 */
export async function useVolumes<Item extends HasSource, Result>(
  { budget, readers }: { readonly budget: MemoryBudget; readonly readers: number },
  worker: VolumeWorker,
  group: readonly Item[],
  task: Task<Item, Result>,
): Promise<Result[]> {
  const asked = await Promise.all(group.map((item) => ask(worker, item, task)))
  const areAllAtOnce =
    asked.every(({ error }) => error === undefined) && readers * sizeOf(asked) <= budget.total
  const results: Result[] = []
  for (const part of areAllAtOnce ? [asked] : asked.map((one) => [one])) {
    const release = await budget.take(sizeOf(part))
    try {
      const opened = await openAll(worker, part)
      for (const [at, { item }] of part.entries()) {
        const one = opened[at]
        if (one !== undefined) results.push(await task.use(worker, item, at === 0 ? 0 : 1, one))
      }
    } finally {
      await worker.close()
      release()
    }
  }
  return results
}

function sizeOf(asked: readonly { readonly bytes: number }[]): number {
  return asked.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function ask<Item extends HasSource>(
  worker: VolumeWorker,
  item: Item,
  { countOf }: Task<Item, unknown>,
): Promise<Asked<Item>> {
  const need = await orError(worker.bytesFor(item.turn.source, (slices) => countOf(item, slices)))
  return isGyrusError(need) ? { item, bytes: 0, error: need } : { item, bytes: need, error: undefined }
}

async function openAll<Item extends HasSource>(
  worker: VolumeWorker,
  asked: readonly Asked<Item>[],
): Promise<readonly Opened[]> {
  const [first, second] = asked
  if (first !== undefined && second !== undefined)
    return worker.openBoth(first.item.turn.source, second.item.turn.source)
  return Promise.all(asked.map(async ({ item, error }) => error ?? orError(worker.open(item.turn.source))))
}

async function orError<Value>(promise: Promise<Value>): Promise<Value | GyrusError> {
  return promise.catch((error: unknown) => {
    if (isGyrusError(error)) return error
    throw error
  })
}
