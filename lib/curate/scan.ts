// The work itself: volumes measured in parallel and committed in the order of the plan, rows first, then the journal.
import { join } from 'node:path'
import { GyrusError, isGyrusError } from '../errors.js'
import type { VolumeSource } from '../datasets/source.js'
import type { CurateSettings } from '../options/curate.js'
import { inOrder } from './in-order.js'
import type { Gallery } from './report/gallery.js'
import type { Entry, Extracted, Journal, Measured, Unreadable } from './journal.js'
import type { MemoryBudget } from './memory-budget.js'
import { useVolumes, type Opened, type Task } from './open-volumes.js'
import { inPairs } from './pairs.js'
import { indicesOf, selectShare } from './select.js'
import type { ShardWriter } from '../slices/shard-writer.js'
import type { SliceBuffers } from './slice-buffers.js'
import type { Place, VolumeWorker } from './volume-worker.js'

/** A volume's turn: its number in the plan, and the source. */
export interface Turn {
  readonly volume: number
  readonly source: VolumeSource
}

interface Outcome<Kind extends Entry> {
  readonly turn: Turn
  readonly entry: Kind
  readonly slices: Uint16Array | undefined
}

/** Codes that speak of one file. Any other error ends the run. */
const ofOneFile: readonly string[] = [
  'ERR_GYRUS_FILE_NOT_FOUND',
  'ERR_GYRUS_FILE_IO',
  'ERR_GYRUS_FILE_FORMAT',
  'ERR_GYRUS_DTYPE',
  'ERR_GYRUS_SHAPE',
  'ERR_GYRUS_NAME',
  'ERR_GYRUS_OUT_OF_MEMORY',
  'ERR_GYRUS_INVALID_ARGUMENT', // a frame that the file does not have
]

export interface Scan {
  readonly settings: CurateSettings
  readonly workers: readonly VolumeWorker[]
  readonly buffers: SliceBuffers
  readonly budget: MemoryBudget
  readonly journal: Journal
  readonly shards: ShardWriter
  readonly gallery: Gallery
}

/** Whether the slices that wait to be written leave room for more. */
function hasRoom({ buffers, budget }: Scan): boolean {
  return buffers.lentBytes < budget.total / 3
}

export function isFlat(window: { readonly low: number; readonly high: number }): boolean {
  return !(window.low < window.high)
}

async function measure(
  scan: Scan,
  worker: VolumeWorker,
  turn: Turn,
  place: Place,
  opened: Opened,
): Promise<Outcome<Measured | Unreadable>> {
  const { settings } = scan
  return orUnreadable(turn, async () => {
    if (isGyrusError(opened)) throw opened
    const { sha256, patientId } = opened
    const { entropy, foreground, ...found } = await worker.examine(place)
    const entry: Measured = {
      kind: 'volume',
      volume: turn.volume,
      sha256,
      patientId,
      low: found.low,
      high: found.high,
      nonFinite: found.nonFinite,
      rows: 0,
      entropy: [...entropy],
      foreground: [...foreground],
    }
    if (settings.keep !== undefined) return { turn, entry, slices: undefined }
    const marks = selectShare(turn.volume, entropy, isFlat(entry), settings)
    const indices = indicesOf('kept', marks)
    await scan.gallery.take(worker, turn.volume, { place, window: entry, entropy, marks })
    const slices = indices.length > 0 ? await worker.extract(place, entry, indices, settings.size) : undefined
    return { turn, entry, slices }
  })
}

/** Measures volumes, and where the choice is each volume's own, writes its slices. Yields entries as committed. */
export async function* scanVolumes(
  scan: Scan,
  turns: readonly Turn[],
): AsyncGenerator<Measured | Unreadable> {
  const { keep, keepFraction } = scan.settings
  const items = turns.map((turn) => ({ turn }))
  const task: Task<{ readonly turn: Turn }, Outcome<Measured | Unreadable>> = {
    use: (worker, { turn }, place, opened) => measure(scan, worker, turn, place, opened),
    countOf: (_, slices) => (keep === undefined ? Math.ceil(slices * keepFraction) : 0),
  }
  yield* commitAll(scan, items, task)
}

/** A volume's slices that a choice over the whole set kept. */
export interface Choice {
  readonly turn: Turn
  readonly measured: Measured
  readonly indices: readonly number[]
}

async function extract(
  scan: Scan,
  worker: VolumeWorker,
  { turn, measured, indices }: Choice,
  place: Place,
  opened: Opened,
): Promise<Outcome<Extracted | Unreadable>> {
  return orUnreadable(turn, async () => {
    if (isGyrusError(opened)) throw opened
    if (opened.sha256 !== measured.sha256) {
      const path = join(turn.source.root, turn.source.path)
      const message = `${path} has changed since it was measured: leave files as they are while a run lasts`
      throw new GyrusError('ERR_GYRUS_FILE_IO', message)
    }
    const slices = await worker.extract(place, measured, indices, scan.settings.size)
    return { turn, entry: { kind: 'extracted', volume: turn.volume, rows: 0 }, slices }
  })
}

/**
 * The second pass of a run that keeps a total: writes the chosen slices. Yields entries as committed; a volume that
 * cannot be read any more is left out.
 */
export async function* extractChoices(
  scan: Scan,
  choices: readonly Choice[],
): AsyncGenerator<Extracted | Unreadable> {
  const task: Task<Choice, Outcome<Extracted | Unreadable>> = {
    use: (worker, choice, place, opened) => extract(scan, worker, choice, place, opened),
    countOf: ({ indices }) => indices.length,
  }
  yield* commitAll(scan, choices, task)
}

/** Does a task with each item's volume, in parallel, and commits the outcomes in the items' order. */
async function* commitAll<Item extends { readonly turn: Turn }, Kind extends Entry>(
  scan: Scan,
  items: readonly Item[],
  task: Task<Item, Outcome<Kind>>,
): AsyncGenerator<Kind> {
  const { workers, budget, buffers, journal, shards } = scan
  const groups = inPairs(items, ({ turn }) => turn.source, workers.length)
  const room = { budget, readers: workers.length }
  const work = (worker: VolumeWorker, group: readonly Item[]) => useVolumes(room, worker, group, task)
  for await (const outcomes of inOrder(workers, groups, work, () => hasRoom(scan))) {
    for (const { entry, slices } of outcomes) {
      if (slices !== undefined) {
        await shards.append(slices)
        buffers.give(slices)
      }
      const committed = 'rows' in entry ? { ...entry, rows: shards.rows } : entry
      await journal.append(committed)
      yield committed
    }
  }
}

/** What work on one file gives; an error that speaks of this file alone is what is known of it. */
async function orUnreadable<Kind extends Entry>(
  turn: Turn,
  work: () => Promise<Outcome<Kind>>,
): Promise<Outcome<Kind | Unreadable>> {
  try {
    return await work()
  } catch (error) {
    if (!isGyrusError(error) || !ofOneFile.includes(error.code)) throw error
    const { code, message } = error
    return { turn, entry: { kind: 'unreadable', volume: turn.volume, code, message }, slices: undefined }
  }
}
