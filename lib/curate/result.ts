// From what was measured to what is said of every slice: reasons, rows of the manifest, counts. The same whether a run
// went through at once or was continued.
import type { VolumeSource } from '../datasets/source.js'
import { GyrusError } from '../errors.js'
import type { CurateSettings } from '../options/curate.js'
import { inStacks } from './image-stack.js'
import type { Extracted, Measured, Unreadable } from './journal.js'
import type { ManifestRow } from './manifest.js'
import { isFlat, toMeasurement } from './measurement.js'
import { planeOf } from './plane.js'
import { applyWindows, positionOf, scoresOf, selectShare, selectTotal, type Reason } from './select.js'
import { shardName } from '../slices/shard-writer.js'
import { splitOf } from './split.js'

/** A volume of the plan, what was found of it, and the fate of its slices. */
export interface JudgedVolume {
  readonly source: VolumeSource
  /** The person: what the file says, else the archive's subject. */
  readonly subject: string
  readonly entry: Measured | Unreadable
  /** One a slice; empty when the volume could not be read. */
  readonly marks: readonly Reason[]
}

const unreadable = (source: VolumeSource, entry: Unreadable) => ({
  source,
  subject: source.subject,
  entry,
  marks: [] as Reason[],
})

const subjectOf = ({ subject }: VolumeSource, { patientId }: Measured): string =>
  patientId === '' ? subject : patientId

/** Volumes whose slices are chosen together; what cannot be read takes no part. */
export function judgeStack(
  stack: readonly { readonly source: VolumeSource; readonly entry: Measured | Unreadable }[],
  settings: CurateSettings,
) {
  const readable = stack.flatMap(({ entry }) => (entry.kind === 'volume' ? [toMeasurement(entry)] : []))
  const marks = selectShare(readable, settings).values()
  return stack.map(({ source, entry }) => {
    if (entry.kind === 'unreadable') return unreadable(source, entry)
    return { source, subject: subjectOf(source, entry), entry, marks: marks.next().value ?? [] }
  })
}

/** Decides over all slices. `entries` are in the order of the plan and complete. */
export function judge(
  sources: readonly VolumeSource[],
  entries: readonly (Measured | Unreadable)[],
  settings: CurateSettings,
): JudgedVolume[] {
  const { keep, quotas, balance } = settings
  const found = sources.map((source, volume) => {
    const entry = entries[volume]
    if (entry === undefined) throw new GyrusError('ERR_GYRUS_INTERNAL', `nothing is known of ${source.path}`)
    return { source, entry }
  })
  const judged =
    keep === undefined
      ? inStacks(found, ({ source }) => source).flatMap((stack) => judgeStack(stack, settings))
      : found.map(({ source, entry }) => {
          if (entry.kind === 'unreadable') return unreadable(source, entry)
          const marks = applyWindows(Float64Array.from(entry.entropy), isFlat(entry), settings)
          return { source, subject: subjectOf(source, entry), entry, marks }
        })
  if (keep !== undefined) {
    const candidates = judged.map(({ source, entry, marks }, volume) => ({
      stratum: balance === 'none' ? 'all' : source[balance],
      scores: scoresOf(volume, Float64Array.from(entry.kind === 'volume' ? entry.entropy : []), settings),
      marks,
    }))
    selectTotal(candidates, keep, quotas)
  }
  return judged
}

/** Volumes that were judged, but for those that could not be read again when their slices were cut out. */
export function withoutLost(
  judged: readonly JudgedVolume[],
  second: readonly (Extracted | Unreadable)[],
): JudgedVolume[] {
  const lost = new Map(
    second.flatMap((entry) => (entry.kind === 'unreadable' ? [[entry.volume, entry] as const] : [])),
  )
  return judged.map((one, volume) => {
    const entry = lost.get(volume)
    return entry === undefined ? one : { ...one, entry, marks: [] }
  })
}

/** Judges what a run found in its one pass or two. */
export function conclude(
  sources: readonly VolumeSource[],
  first: readonly (Measured | Unreadable)[],
  second: readonly (Extracted | Unreadable)[],
  settings: CurateSettings,
): JudgedVolume[] {
  return withoutLost(judge(sources, first, settings), second)
}

/** Makes the manifest's rows, volume after volume in the order of the plan. */
export class RowMaker {
  readonly #settings: CurateSettings
  /** Slices that the shards hold so far. */
  #written = 0

  constructor(settings: CurateSettings) {
    this.#settings = settings
  }

  *rowsOf({ source, subject, entry, marks }: JudgedVolume): Generator<ManifestRow> {
    const { shardRows, valFraction, seed } = this.#settings
    const plane = planeOf(source, this.#settings)
    const { dataset, session, contrast, root, path } = source
    const split = splitOf(dataset, subject, valFraction, seed)
    const name = { dataset, subject, session, contrast, root, source_path: path, plane, split }
    if (entry.kind === 'unreadable') {
      yield { ...name, ...unknown, detail: `${entry.code}: ${entry.message}` }
      return
    }
    for (const [index, reason] of marks.entries()) {
      const kept = reason === 'kept'
      const at = positionOf(index, marks.length)
      // Spelled out: there are millions of these, and a spread would take most of the time.
      yield {
        dataset,
        subject,
        session,
        contrast,
        root,
        source_path: path,
        volume_sha256: entry.sha256,
        plane,
        index,
        position: Number.isNaN(at) ? undefined : at,
        entropy: entry.entropy[index],
        foreground_fraction: entry.foreground[index],
        kept,
        reason,
        split,
        shard: kept ? shardName(Math.floor(this.#written / shardRows)) : undefined,
        row: kept ? this.#written % shardRows : undefined,
        scale_lo: entry.low,
        scale_hi: entry.high,
        detail: undefined,
      }
      if (kept) this.#written += 1
    }
  }
}

const unknown = {
  volume_sha256: undefined,
  index: undefined,
  position: undefined,
  entropy: undefined,
  foreground_fraction: undefined,
  kept: false,
  reason: 'unreadable',
  shard: undefined,
  row: undefined,
  scale_lo: undefined,
  scale_hi: undefined,
} as const

export interface Counts {
  readonly volumes: number
  readonly unreadable: number
  readonly considered: number
  readonly kept: number
  /** Slices by reason. */
  readonly reasons: Readonly<Record<string, number>>
  /** Slices by dataset and contrast. */
  readonly groups: readonly {
    dataset: string
    contrast: string
    volumes: number
    considered: number
    kept: number
  }[]
  readonly nonFiniteVoxels: number
  readonly subjects: { readonly train: number; readonly val: number }
}

export function countAll(judged: readonly JudgedVolume[], settings: CurateSettings): Counts {
  const reasons: Record<string, number> = {}
  const groups = new Map<string, Counts['groups'][number]>()
  const subjects = { train: new Set<string>(), val: new Set<string>() }
  let nonFiniteVoxels = 0
  for (const { source, subject, entry, marks } of judged) {
    const { dataset, contrast } = source
    if (entry.kind === 'unreadable') continue
    nonFiniteVoxels += entry.nonFinite
    subjects[splitOf(dataset, subject, settings.valFraction, settings.seed)].add(`${dataset}/${subject}`)
    const key = `${dataset}/${contrast}`
    const group = groups.get(key) ?? { dataset, contrast, volumes: 0, considered: 0, kept: 0 }
    group.volumes += 1
    group.considered += marks.length
    for (const mark of marks) {
      reasons[mark] = (reasons[mark] ?? 0) + 1
      if (mark === 'kept') group.kept += 1
    }
    groups.set(key, group)
  }
  const list = [...groups.values()].sort((a, b) =>
    `${a.dataset}/${a.contrast}` < `${b.dataset}/${b.contrast}` ? -1 : 1,
  )
  return {
    volumes: judged.length,
    unreadable: judged.filter(({ entry }) => entry.kind === 'unreadable').length,
    considered: list.reduce((sum, group) => sum + group.considered, 0),
    kept: reasons['kept'] ?? 0,
    reasons,
    groups: list,
    nonFiniteVoxels,
    subjects: { train: subjects.train.size, val: subjects.val.size },
  }
}
