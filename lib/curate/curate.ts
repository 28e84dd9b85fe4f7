// curate(): archives in, a filtered and documented set of slices out. README.md says what the files hold.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import {
  curateCallOptions,
  curateOptions,
  type CurateOptions,
  type CurateSettings,
} from '../options/curate.js'
import { losses, type SkippedFile } from '../datasets/source.js'
import { throwIfAborted } from '../errors.js'
import { native, type NativeVolumeMemory } from '../native.js'
import { parseOptions } from '../options/parse.js'
import type { CallOptions } from '../options/encoder.js'
import type { CurateEvent } from './events.js'
import type { Entry, Extracted, Measured, Unreadable } from './journal.js'
import { MemoryBudget } from './memory-budget.js'
import { writeSkipped, writeSummary } from './outputs.js'
import { countSkipped, makePlan, type Plan } from './plan.js'
import { Gallery } from './report/gallery.js'
import { countAll, judge, withoutLost, type Counts, type JudgedVolume } from './result.js'
import { RunFiles } from './run-files.js'
import { extractChoices, scanVolumes, type Choice, type Scan, type Turn } from './scan.js'
import { indicesOf } from './select.js'
import { SliceBuffers } from './slice-buffers.js'
import { VolumeWorker } from './volume-worker.js'
import { ManifestThread, ReportThread } from './writers.js'

const mebibyte = 2 ** 20

/**
 * Curates archives into a folder. Runs as the iterator is consumed; ends with a `done` event. Aborting the signal, or
 * leaving the loop, stops after the volumes at work; the same call continues later, to the same bytes.
 */
export async function* curate(options: CurateOptions, call: CallOptions = {}): AsyncGenerator<CurateEvent> {
  const settings = parseOptions(curateOptions, 'curate', options)
  const { signal } = parseOptions(curateCallOptions, 'curate', call)
  const plan = await makePlan(settings, signal)
  native() // where the engine is missing, no folder is taken
  const run = new Run(settings, plan, await RunFiles.open(settings, plan))
  try {
    yield* run.work(signal)
  } finally {
    await run.close()
  }
}

/** What is to be said of a file or folder that should have been considered. */
function lossOf({ root, path, reason }: SkippedFile): CurateEvent[] {
  const message = losses[reason]?.(join(root, path))
  if (message === undefined) return []
  return [{ type: 'unreadable', path: path || '.', code: 'ERR_GYRUS_FILE_NOT_FOUND', message }]
}

class Run {
  readonly #settings: CurateSettings
  readonly #plan: Plan
  readonly #files: RunFiles
  readonly #found: (Measured | Unreadable)[]
  readonly #second: (Extracted | Unreadable)[]
  readonly #buffers = new SliceBuffers()
  /** Of volumes at work with their slices; a quarter of the memory is left to slices that wait to be written. */
  readonly #budget: MemoryBudget
  readonly #memory: NativeVolumeMemory
  readonly #gallery: Gallery
  readonly #start = performance.now()
  #workers: VolumeWorker[] = []
  readonly #manifest: ManifestThread
  readonly #report: ReportThread

  constructor(settings: CurateSettings, plan: Plan, files: RunFiles) {
    this.#settings = settings
    this.#plan = plan
    this.#files = files
    this.#budget = new MemoryBudget(settings.memory * mebibyte * 0.75)
    const limits = { keep: this.#budget.total, most: settings.maxVolume * mebibyte }
    this.#memory = new (native().VolumeMemory)(limits)
    const { volumes } = plan
    this.#manifest = new ManifestThread({ path: join(settings.out, 'manifest.parquet'), settings, volumes })
    this.#report = new ReportThread({ path: join(settings.out, 'report.html'), settings, volumes })
    this.#gallery = new Gallery(volumes, settings, this.#buffers, (pictures) => {
      this.#report.tell(pictures)
    })
    // The second pass begins when all volumes were measured.
    this.#found = files.entries.slice(0, plan.volumes.length) as (Measured | Unreadable)[]
    this.#second = files.entries.slice(plan.volumes.length) as (Extracted | Unreadable)[]
    for (const entry of this.#found) this.#manifest.tell(entry)
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
    yield* skipped.flatMap(lossOf)
    yield* this.#scan(signal)
    let judged = judge(volumes, this.#found, this.#settings)
    if (this.#settings.keep !== undefined) {
      yield* this.#extract(judged, signal)
      judged = withoutLost(judged, this.#second)
    }
    const counts = countAll(judged, this.#settings)
    await this.#finish(judged, counts)
    const { out } = this.#settings
    yield { type: 'done', out, seconds: this.#seconds(), skipped: countSkipped(skipped), ...counts }
  }

  async close(): Promise<void> {
    try {
      await Promise.all([this.#manifest.close(), this.#report.close()])
      await Promise.all(this.#workers.map((worker) => worker.dispose()))
      this.#memory.release()
    } finally {
      await this.#files.close()
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

  async *#scan(signal: AbortSignal | undefined): AsyncGenerator<CurateEvent> {
    const turns = this.#plan.volumes
      .map((source, volume): Turn => ({ source, volume }))
      .slice(this.#found.length)
    const progress = this.#progress('scan', this.#plan.volumes.length, this.#found.length)
    for await (const entry of scanVolumes(this.#scanOf(), turns)) {
      this.#found.push(entry)
      this.#manifest.tell(entry)
      yield* this.#lost(entry)
      const bytes = this.#plan.volumes[entry.volume]?.bytes ?? 0
      yield progress(entry.kind === 'volume' ? entry.entropy.length : 0, bytes)
      throwIfAborted(signal) // the readers may be done with all
    }
  }

  async *#extract(
    judged: readonly JudgedVolume[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<CurateEvent> {
    const choices = judged.flatMap(({ source, entry, marks }, volume): Choice[] => {
      const indices = indicesOf('kept', marks)
      if (entry.kind === 'unreadable' || indices.length === 0) return []
      return [{ turn: { source, volume }, measured: entry, indices }]
    })
    const progress = this.#progress('extract', choices.length, this.#second.length)
    for await (const entry of extractChoices(this.#scanOf(), choices.slice(this.#second.length))) {
      this.#second.push(entry)
      yield* this.#lost(entry)
      yield progress(0, this.#plan.volumes[entry.volume]?.bytes ?? 0)
      throwIfAborted(signal)
    }
  }

  *#lost(entry: Entry): Generator<CurateEvent> {
    if (entry.kind !== 'unreadable') return
    const { volume, code, message } = entry
    yield { type: 'unreadable', path: this.#plan.volumes[volume]?.path ?? '', code, message }
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

  /** Manifest, report and summary; with them the folder is complete. */
  async #finish(judged: readonly JudgedVolume[], counts: Counts): Promise<void> {
    // The last shard goes to the disk meanwhile.
    const ended = this.#files.shards.end()
    ended.catch(() => undefined)
    const outcome = { settings: this.#settings, plan: this.#plan, judged, counts }
    const { skipped } = this.#plan
    const found = { first: this.#found, second: this.#second, skipped }
    const complete = async (): Promise<void> => {
      const [worker] = this.#workers
      if (worker !== undefined) await this.#gallery.complete(worker, judged)
      await this.#report.write(found)
    }
    const written = [this.#manifest.write(this.#second), complete(), writeSkipped(outcome)]
    // All end before the first failure is told: none is at work on the folder then.
    await Promise.allSettled(written)
    await Promise.all(written)
    await ended
    await writeSummary(outcome)
    await this.#files.complete()
  }
}
