// What a run leaves beside its shards: manifest, report, list of what was left out, and, last, the summary.
import { join } from 'node:path'
import type { CurateSettings } from '../options/curate.js'
import { writeWhole } from '../write-file.js'
import { countSkipped, type Plan } from './plan.js'
import type { Thumbnail } from './report/montage.js'
import { manifestRows, type Counts, type JudgedVolume } from './result.js'
import { summaryName } from './run-files.js'

export interface Outcome {
  readonly settings: CurateSettings
  readonly plan: Plan
  readonly judged: readonly JudgedVolume[]
  readonly counts: Counts
}

/** Loads what writes them, which takes a quarter of a second. */
export async function loadWriters() {
  const [{ writeManifest }, { renderReport }] = await Promise.all([
    import('./manifest.js'),
    import('./report/report.js'),
  ])
  return { writeManifest, renderReport }
}

/** Writes all but the summary. */
export async function writeOutputs(
  { writeManifest, renderReport }: Awaited<ReturnType<typeof loadWriters>>,
  { settings, plan, judged, counts }: Outcome,
  takePictures: () => Promise<ReadonlyMap<number, readonly Thumbnail[]>>,
): Promise<void> {
  const { out } = settings
  await writeManifest(join(out, 'manifest.parquet'), manifestRows(judged, settings))
  const lines = plan.skipped.map((skipped) => `${JSON.stringify(skipped)}\n`)
  await writeWhole(join(out, 'skipped.jsonl'), lines.join(''), true)
  const thumbnails = await takePictures()
  const facts = { settings, judged, counts, thumbnails, skipped: plan.skipped, bytes: bytesOf(plan) }
  await writeWhole(join(out, 'report.html'), await renderReport(facts), true)
}

/** Settings and counts; with this file the folder is whole. */
export async function writeSummary({ settings, plan, judged, counts }: Outcome): Promise<void> {
  const unreadableFiles = judged.flatMap(({ source, entry }) => {
    if (entry.kind !== 'unreadable') return []
    const { root, path } = source
    return [{ root, path, code: entry.code, message: entry.message }]
  })
  const summary = {
    settings,
    fingerprint: plan.fingerprint,
    bytes: bytesOf(plan),
    ...counts,
    skippedFiles: countSkipped(plan.skipped),
    unreadableFiles,
  }
  await writeWhole(join(settings.out, summaryName), `${JSON.stringify(summary, undefined, 2)}\n`, true)
}

function bytesOf({ volumes }: Plan): number {
  return volumes.reduce((sum, source) => sum + source.bytes, 0)
}
