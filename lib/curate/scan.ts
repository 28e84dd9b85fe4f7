// The work itself: volumes measured in parallel and committed in the order of the plan, rows first, then the journal.
import { join } from 'node:path'
import { GyrusError, isGyrusError } from '../errors.js'
import type { VolumeSource } from '../datasets/source.js'
import type { CurateSettings } from '../options/curate.js'
import { inStacks } from './image-stack.js'
import { inOrder } from './in-order.js'
import { toMeasurement } from './measurement.js'
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

interface ToMeasure {
  readonly turn: Turn
  /** Its share is its own: the slices that stay are known as soon as it is measured. */
  readonly isAlone: boolean
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

/** Measures a volume that is open, and where the choice is its own alone, cuts its slices out. */
async function measure(
  scan: Scan,
  worker: VolumeWorker,
  { turn, isAlone }: ToMeasure,
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
    if (!isAlone) return { turn, entry, slices: undefined }
    const [marks = []] = selectShare([toMeasurement(entry)], settings)
    const indices = indicesOf('kept', marks)
    await scan.gallery.take(worker, turn.volume, { place, window: entry, entropy, marks })
    const slices = indices.length > 0 ? await worker.extract(place, entry, indices, settings.size) : undefined
    return { turn, entry, slices }
  })
}

/** Measures volumes, and unless a total is kept, writes their slices. Yields entries as committed. */
export async function* scanVolumes(
  scan: Scan,
  turns: readonly Turn[],
): AsyncGenerator<Measured | Unreadable> {
  const { keep, keepFraction } = scan.settings
  const sourceOf = ({ turn }: ToMeasure): VolumeSource => turn.source
  const task: Task<ToMeasure, Outcome<Measured | Unreadable>> = {
    use: (worker, item, place, opened) => measure(scan, worker, item, place, opened),
    countOf: ({ isAlone }, slices) => (isAlone ? Math.ceil(slices * keepFraction) : 0),
  }
  const items = turns.map((turn) => ({ turn, isAlone: keep === undefined }))
  const groups: (readonly ToMeasure[])[] = []
  let run: ToMeasure[] = []
  for (const stack of keep === undefined ? inStacks(items, sourceOf) : [items]) {
    if (stack.length > 1 && keep === undefined) {
      groups.push(
        ...inPairs(run, sourceOf, scan.workers.length),
        stack.map(({ turn }) => ({ turn, isAlone: false })),
      )
      run = []
    } else run.push(...stack)
  }
  groups.push(...inPairs(run, sourceOf, scan.workers.length))
  yield* commitAll(scan, groups, (worker, group) =>
    keep === undefined && group[0]?.isAlone === false
      ? measureStack(scan, worker, group, task)
      : useVolumes(roomOf(scan), worker, group, task),
  )
}

/**
 * Images that are chosen among together: measured one after the other, and opened again when they are chosen. Where one
 * is gone by then, the choice is made again without it.
 */
async function measureStack(
  scan: Scan,
  worker: VolumeWorker,
  stack: readonly ToMeasure[],
  task: Task<ToMeasure, Outcome<Measured | Unreadable>>,
): Promise<Outcome<Measured | Unreadable>[]> {
  const outcomes: Outcome<Measured | Unreadable>[] = []
  for (const item of stack) outcomes.push(...(await useVolumes(roomOf(scan), worker, [item], task)))
  const cut = new Map<number, Uint16Array>()
  for (;;) {
    const readable = outcomes.flatMap(({ turn, entry }) =>
      entry.kind === 'volume' ? [{ turn, measured: entry }] : [],
    )
    const marks = selectShare(
      readable.map(({ measured }) => toMeasurement(measured)),
      scan.settings,
    )
    const chosen = readable
      .map((one, at) => ({ ...one, indices: indicesOf('kept', marks[at] ?? []) }))
      .filter(({ indices }) => indices.length > 0)
    const missing = chosen.filter(({ turn }) => !cut.has(turn.volume))
    for (const choice of missing) {
      const [again] = await useVolumes(roomOf(scan), worker, [choice], extraction(scan))
      if (again?.slices !== undefined) cut.set(choice.turn.volume, again.slices)
      else if (again?.entry.kind === 'unreadable') {
        const at = outcomes.findIndex(({ turn }) => turn === choice.turn)
        outcomes[at] = { turn: choice.turn, entry: again.entry, slices: undefined }
      }
    }
    if (missing.length > 0) continue
    const kept = new Set(chosen.map(({ turn }) => turn.volume))
    for (const [volume, slices] of cut) if (!kept.has(volume)) scan.buffers.give(slices)
    return outcomes.map((one) =>
      kept.has(one.turn.volume) ? { ...one, slices: cut.get(one.turn.volume) } : one,
    )
  }
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
  const groups = inPairs(choices, ({ turn }) => turn.source, scan.workers.length)
  yield* commitAll(scan, groups, (worker, group) => useVolumes(roomOf(scan), worker, group, extraction(scan)))
}

function extraction(scan: Scan): Task<Choice, Outcome<Extracted | Unreadable>> {
  return {
    use: (worker, choice, place, opened) => extract(scan, worker, choice, place, opened),
    countOf: ({ indices }) => indices.length,
  }
}

function roomOf({ budget, workers }: Scan): { budget: MemoryBudget; readers: number } {
  return { budget, readers: workers.length }
}

/** Works on groups in parallel, and commits the outcomes in their order. */
async function* commitAll<Group, Kind extends Entry>(
  scan: Scan,
  groups: readonly Group[],
  work: (worker: VolumeWorker, group: Group) => Promise<Outcome<Kind>[]>,
): AsyncGenerator<Kind> {
  const { workers, buffers, journal, shards } = scan
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
