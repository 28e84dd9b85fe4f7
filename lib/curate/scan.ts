// The work itself: volumes measured in parallel and committed in the order of the plan, rows first, then the journal.
import { isGyrusError } from '../errors.js'
import type { VolumeSource } from '../datasets/source.js'
import type { CurateSettings } from '../options/curate.js'
import { inOrder } from './in-order.js'
import type { Gallery } from './report/gallery.js'
import type { Entry, Journal, Measured, Unreadable } from './journal.js'
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
  { turn }: { readonly turn: Turn },
  place: Place,
  opened: Opened,
): Promise<Outcome<Measured | Unreadable>> {
  const { settings } = scan
  try {
    if (isGyrusError(opened)) throw opened
    const { sha256, patientId } = opened
    const { low, high, entropy, foreground, nonFinite } = await worker.examine(place)
    const measured = {
      kind: 'volume' as const,
      volume: turn.volume,
      sha256,
      patientId,
      low,
      high,
      nonFinite,
      rows: 0,
    }
    const entry = { ...measured, entropy: [...entropy], foreground: [...foreground] }
    if (settings.keep !== undefined) return { turn, entry, slices: undefined }
    const marks = selectShare(turn.volume, entropy, isFlat({ low, high }), settings)
    const indices = indicesOf('kept', marks)
    await scan.gallery.take(worker, turn.volume, { place, window: { low, high }, entropy, marks })
    const slices =
      indices.length > 0 ? await worker.extract(place, { low, high }, indices, settings.size) : undefined
    return { turn, entry, slices }
  } catch (error) {
    if (!isGyrusError(error) || !ofOneFile.includes(error.code)) throw error
    const { code, message } = error
    return { turn, entry: { kind: 'unreadable', volume: turn.volume, code, message }, slices: undefined }
  }
}

/** Measures volumes, and where the choice is each volume's own, writes its slices. Yields entries as committed. */
export async function* scanVolumes(
  scan: Scan,
  turns: readonly Turn[],
): AsyncGenerator<Measured | Unreadable> {
  const { workers, buffers, journal, shards } = scan
  const { keep, keepFraction } = scan.settings
  const task: Task<{ readonly turn: Turn }, Outcome<Measured | Unreadable>> = {
    use: (worker, item, place, opened) => measure(scan, worker, item, place, opened),
    countOf: (_, slices) => (keep === undefined ? Math.ceil(slices * keepFraction) : 0),
  }
  const items = turns.map((turn) => ({ turn }))
  const groups = inPairs(items, ({ turn }) => turn.source, workers.length)
  const room = { budget: scan.budget, readers: workers.length }
  const work = (worker: VolumeWorker, group: readonly { readonly turn: Turn }[]) =>
    useVolumes(room, worker, group, task)
  for await (const outcomes of inOrder(workers, groups, work, () => hasRoom(scan))) {
    for (const { entry, slices } of outcomes) {
      if (slices !== undefined) {
        await shards.append(slices)
        buffers.give(slices)
      }
      const committed = entry.kind === 'volume' ? { ...entry, rows: shards.rows } : entry
      await journal.append(committed)
      yield committed
    }
  }
}

/** A volume's slices that a choice over the whole set kept. */
export interface Choice {
  readonly turn: Turn
  readonly window: { readonly low: number; readonly high: number }
  readonly indices: readonly number[]
}

async function extract(
  scan: Scan,
  worker: VolumeWorker,
  { turn, window, indices }: Choice,
  place: Place,
  opened: Opened,
): Promise<{ readonly turn: Turn; readonly slices: Uint16Array }> {
  if (isGyrusError(opened)) throw opened
  return { turn, slices: await worker.extract(place, window, indices, scan.settings.size) }
}

/** The second pass of a run that keeps a total: writes the chosen slices. Yields the volume of each choice. */
export async function* extractChoices(scan: Scan, choices: readonly Choice[]): AsyncGenerator<number> {
  const { workers, buffers, journal, shards } = scan
  const groups = inPairs(choices, ({ turn }) => turn.source, workers.length)
  const task: Task<Choice, { readonly turn: Turn; readonly slices: Uint16Array }> = {
    use: (worker, choice, place, opened) => extract(scan, worker, choice, place, opened),
    countOf: ({ indices }) => indices.length,
  }
  const room = { budget: scan.budget, readers: workers.length }
  const work = (worker: VolumeWorker, group: readonly Choice[]) => useVolumes(room, worker, group, task)
  for await (const extracted of inOrder(workers, groups, work, () => hasRoom(scan))) {
    for (const { turn, slices } of extracted) {
      await shards.append(slices)
      buffers.give(slices)
      await journal.append({ kind: 'extracted', volume: turn.volume, rows: shards.rows })
      yield turn.volume
    }
  }
}
