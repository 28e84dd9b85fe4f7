// curate(): archives in, a filtered and documented set of slices out. README.md says what the files hold.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { GyrusError } from '../errors.js'
import {
  curateCallOptions,
  curateOptions,
  type CurateOptions,
  type CurateSettings,
} from '../options/curate.js'
import { native, type NativeVolumeMemory } from '../native.js'
import { parseOptions } from '../options/parse.js'
import type { CallOptions } from '../options/encoder.js'
import { Journal, type Entry, type Measured, type Unreadable } from './journal.js'
import { makePlan, type Plan } from './plan.js'
import { Gallery } from './report/gallery.js'
import type { ReportFacts } from './report/report.js'
import { countAll, judge, manifestRows, type Counts, type JudgedVolume } from './result.js'
import { extractChoices, scanVolumes, type Choice, type Scan, type Turn } from './scan.js'
import { indicesOf } from './select.js'
import { lockFolder } from '../run/lock.js'
import { ShardWriter } from '../slices/shard-writer.js'
import { MemoryBudget } from './memory-budget.js'
import { SliceBuffers } from './slice-buffers.js'
import { VolumeWorker } from './volume-worker.js'
import { writeError, writeWhole } from '../write-file.js'

const mebibyte = 2 ** 20
const journalName = 'journal.jsonl.partial'
const summaryName = 'curation.json'
const ownFiles =
  /^(slices-\d{5,}\.npy|manifest\.parquet|curation\.json|report\.html|journal\.jsonl)(\.partial)?$/

/** What happens, as it happens. */
export type CurateEvent =
  | {
      readonly type: 'start'
      readonly volumes: number
      /** Volumes that an earlier, interrupted run has done. */
      readonly resumed: number
      readonly skippedFiles: number
    }
  | {
      readonly type: 'progress'
      /** 'scan' measures; 'extract' is the second pass of a run with `keep`. */
      readonly phase: 'scan' | 'extract'
      readonly done: number
      readonly total: number
      readonly slices: number
      readonly kept: number
      /** Of source files, since this process began. */
      readonly megabytes: number
      readonly seconds: number
      readonly etaSeconds: number
    }
  | { readonly type: 'unreadable'; readonly path: string; readonly code: string; readonly message: string }
  | ({ readonly type: 'done'; readonly out: string; readonly seconds: number } & Counts)

/**
 * Curates archives into a folder. Runs as the iterator is consumed; ends with a `done` event. Aborting the signal, or
 * leaving the loop, stops after the volumes at work; the same call continues later, to the same bytes.
 */
export async function* curate(options: CurateOptions, call: CallOptions = {}): AsyncGenerator<CurateEvent> {
  const settings = parseOptions(curateOptions, 'curate', options)
  const { signal } = parseOptions(curateCallOptions, 'curate', call)
  const plan = await makePlan(settings, signal)
  const run = await openRun(settings, plan)
  try {
    yield* run.work(signal)
  } finally {
    await run.close()
  }
}

/** The run's folder, which is its own until it is closed: another process in it would write over the same shards. */
async function openRun(settings: CurateSettings, plan: Plan): Promise<Run> {
  const { out } = settings
  try {
    await mkdir(out, { recursive: true })
    const unlock = await lockFolder(out)
    try {
      return await openLocked(settings, plan, unlock)
    } catch (error) {
      await unlock()
      throw error
    }
  } catch (error) {
    throw writeError(out, error)
  }
}

async function openLocked(settings: CurateSettings, plan: Plan, unlock: () => Promise<void>): Promise<Run> {
  const { out } = settings
  if (settings.overwrite) {
    for (const name of await readdir(out)) if (ownFiles.test(name)) await rm(join(out, name))
  }
  const names = await readdir(out)
  const opened = names.includes(summaryName)
    ? undefined
    : await Journal.open(join(out, journalName), plan.fingerprint)
  if (opened === undefined) throw foreignRun(out)
  const { journal, entries } = opened
  const rows = entries.reduce((last, entry) => ('rows' in entry ? entry.rows : last), 0)
  const layout = { folder: out, size: settings.size, rows: settings.shardRows }
  const shards = await ShardWriter.open(layout, rows).catch(async (error: unknown) => {
    await journal.close()
    throw error
  })
  return new Run(settings, plan, { journal, shards, unlock }, entries)
}

function foreignRun(out: string): GyrusError {
  return new GyrusError(
    'ERR_GYRUS_FILE_IO',
    `${out} holds a finished run, or one with other settings or files: choose another folder, or pass overwrite`,
  )
}

/** What a run has open in its folder. */
interface Files {
  readonly journal: Journal
  readonly shards: ShardWriter
  readonly unlock: () => Promise<void>
}

class Run {
  readonly #settings: CurateSettings
  readonly #plan: Plan
  readonly #files: Files
  readonly #found: (Measured | Unreadable)[]
  readonly #extracted: number
  readonly #buffers = new SliceBuffers()
  /** Of volumes at work with their slices; a quarter of the memory is left to slices that wait to be written. */
  readonly #budget: MemoryBudget
  readonly #memory: NativeVolumeMemory
  readonly #gallery: Gallery
  readonly #start = performance.now()
  #workers: VolumeWorker[] = []
  /** Takes a quarter of a second to load, in which the readers are at work. */
  readonly #outputs = Promise.all([import('./manifest.js'), import('./report/report.js')])

  constructor(settings: CurateSettings, plan: Plan, files: Files, entries: readonly Entry[]) {
    this.#settings = settings
    this.#plan = plan
    this.#files = files
    this.#budget = new MemoryBudget(settings.memory * mebibyte * 0.75)
    const limits = { keep: this.#budget.total, most: settings.maxVolume * mebibyte }
    this.#memory = new (native().VolumeMemory)(limits)
    this.#gallery = new Gallery(plan.volumes, settings, this.#buffers)
    this.#found = entries.filter((entry) => entry.kind !== 'extracted')
    this.#extracted = entries.length - this.#found.length
    this.#outputs.catch(() => undefined) // awaited when they are needed
  }

  async *work(signal: AbortSignal | undefined): AsyncGenerator<CurateEvent> {
    // One more than there are processors, so that none waits while a result is handed over.
    const length = this.#settings.threads ?? availableParallelism() + 1
    this.#workers = Array.from(
      { length },
      () => new VolumeWorker(this.#settings, this.#memory, this.#buffers, signal),
    )
    const { volumes, skipped } = this.#plan
    yield {
      type: 'start',
      volumes: volumes.length,
      resumed: this.#found.length,
      skippedFiles: skipped.length,
    }
    yield* this.#scan()
    const judged = judge(volumes, this.#found, this.#settings)
    if (this.#settings.keep !== undefined) yield* this.#extract(judged)
    const counts = countAll(judged, this.#settings)
    await this.#finish(judged, counts)
    yield { type: 'done', out: this.#settings.out, seconds: this.#seconds(), ...counts }
  }

  async close(): Promise<void> {
    const { journal, shards, unlock } = this.#files
    try {
      await Promise.all(this.#workers.map((worker) => worker.dispose()))
      this.#memory.release()
      await shards.close()
      await journal.close()
    } finally {
      await unlock()
    }
  }

  #seconds(): number {
    return (performance.now() - this.#start) / 1000
  }

  #scanOf(): Scan {
    return {
      settings: this.#settings,
      workers: this.#workers,
      buffers: this.#buffers,
      budget: this.#budget,
      journal: this.#files.journal,
      shards: this.#files.shards,
      gallery: this.#gallery,
    }
  }

  async *#scan(): AsyncGenerator<CurateEvent> {
    const turns = this.#plan.volumes
      .map((source, volume): Turn => ({ source, volume }))
      .slice(this.#found.length)
    const progress = this.#progress('scan', this.#plan.volumes.length, this.#found.length)
    for await (const entry of scanVolumes(this.#scanOf(), turns)) {
      this.#found.push(entry)
      const source = this.#plan.volumes[entry.volume]
      if (entry.kind === 'unreadable') {
        yield { type: 'unreadable', path: source?.path ?? '', code: entry.code, message: entry.message }
      }
      yield progress(entry.kind === 'volume' ? entry.entropy.length : 0, source?.bytes ?? 0)
    }
  }

  async *#extract(judged: readonly JudgedVolume[]): AsyncGenerator<CurateEvent> {
    const choices = judged.flatMap(({ source, entry, marks }, volume): Choice[] => {
      const indices = indicesOf('kept', marks)
      if (entry.kind === 'unreadable' || indices.length === 0) return []
      return [{ turn: { source, volume }, window: entry, indices }]
    })
    const progress = this.#progress('extract', choices.length, this.#extracted)
    for await (const volume of extractChoices(this.#scanOf(), choices.slice(this.#extracted))) {
      yield progress(0, this.#plan.volumes[volume]?.bytes ?? 0)
    }
  }

  /** Makes progress events; what an earlier process did counts as done, but not for the rate. */
  #progress(phase: 'scan' | 'extract', total: number, resumed: number) {
    const start = performance.now()
    let done = resumed
    let bytes = 0
    let slices = this.#found.reduce(
      (sum, entry) => sum + (entry.kind === 'volume' ? entry.entropy.length : 0),
      0,
    )
    return (moreSlices: number, moreBytes: number): CurateEvent => {
      done += 1
      slices += moreSlices
      bytes += moreBytes
      const etaSeconds = ((performance.now() - start) / 1000 / (done - resumed)) * (total - done)
      const seconds = this.#seconds()
      const megabytes = bytes / 1e6
      return {
        type: 'progress',
        phase,
        done,
        total,
        slices,
        kept: this.#files.shards.rows,
        megabytes,
        seconds,
        etaSeconds,
      }
    }
  }

  /** Manifest, report and summary; with them the folder is complete, and the journal is no longer needed. */
  async #finish(judged: readonly JudgedVolume[], counts: Counts): Promise<void> {
    const { out } = this.#settings
    // The last shard goes to the disk meanwhile.
    const ended = this.#files.shards.end()
    ended.catch(() => undefined)
    const [{ writeManifest }] = await this.#outputs
    await writeManifest(join(out, 'manifest.parquet'), manifestRows(judged, this.#settings))
    const { volumes, skipped, fingerprint } = this.#plan
    const skippedFiles: Record<string, number> = {}
    for (const { reason } of skipped) skippedFiles[reason] = (skippedFiles[reason] ?? 0) + 1
    const unreadable = judged.flatMap(({ source, entry }) =>
      entry.kind === 'unreadable' ? [{ path: source.path, code: entry.code, message: entry.message }] : [],
    )
    const bytes = volumes.reduce((sum, source) => sum + source.bytes, 0)
    await writeWhole(join(out, 'report.html'), await this.#report({ judged, counts, skippedFiles, bytes }))
    await ended
    const summary = {
      settings: this.#settings,
      fingerprint,
      bytes,
      ...counts,
      skippedFiles,
      unreadableFiles: unreadable,
    }
    await writeWhole(join(out, summaryName), `${JSON.stringify(summary, undefined, 2)}\n`)
    await rm(join(out, journalName))
  }

  async #report(facts: Omit<ReportFacts, 'settings' | 'thumbnails'>): Promise<string> {
    const [worker] = this.#workers
    const thumbnails = worker === undefined ? new Map() : await this.#gallery.complete(worker, facts.judged)
    const [, { renderReport }] = await this.#outputs
    return renderReport({ ...facts, settings: this.#settings, thumbnails })
  }
}
