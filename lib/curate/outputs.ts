// What a run leaves beside its shards, its manifest and its report: the list of what was left out, and, last, the
// summary.
import { join } from 'node:path'
import type { CurateSettings } from '../options/curate.js'
import { writeWhole } from '../write-file.js'
import { countSkipped, type Plan } from './plan.js'
import type { Counts, JudgedVolume } from './result.js'
import { summaryName } from './run-files.js'

export interface Outcome {
  readonly settings: CurateSettings
  readonly plan: Plan
  readonly judged: readonly JudgedVolume[]
  readonly counts: Counts
}

/** Writes what is neither a thread's nor the summary. */
export async function writeSkipped({ settings, plan }: Outcome): Promise<void> {
  const lines = plan.skipped.map((skipped) => `${JSON.stringify(skipped)}\n`)
  await writeWhole(join(settings.out, 'skipped.jsonl'), lines.join(''), true)
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
