// What a run will do, decided before it begins: its volumes in order, and a fingerprint by which a later process knows
// that it continues the same work.
import { createHash } from 'node:crypto'
import { discoverAll } from '../datasets/discover.js'
import type { SkippedFile, VolumeSource } from '../datasets/source.js'
import { GyrusError } from '../errors.js'
import type { CurateSettings } from '../options/curate.js'
import { withSingleSlices } from './single-slices.js'

export interface Plan {
  readonly volumes: readonly VolumeSource[]
  readonly skipped: readonly SkippedFile[]
  readonly fingerprint: string
}

/** How much was left out, by reason. */
export function countSkipped(skipped: readonly SkippedFile[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { reason } of skipped) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}

/** Settings that change neither what is measured nor what is kept. */
const withoutEffect: readonly string[] = ['out', 'overwrite', 'threads', 'memory']

/** The settings that decide what comes out, by name. */
export function effectiveSettings(settings: CurateSettings): [string, unknown][] {
  return Object.entries(settings)
    .filter(([name, value]) => value !== undefined && !withoutEffect.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

export async function makePlan(settings: CurateSettings, signal: AbortSignal | undefined): Promise<Plan> {
  const { dataset, parts, contrasts, includeMra, includeDti } = settings
  const found = await discoverAll(settings.roots, {
    parts,
    includeMra,
    includeDti,
    out: settings.out,
    ...(dataset === undefined ? {} : { dataset }),
    ...(contrasts === undefined ? {} : { contrasts }),
    ...(signal === undefined ? {} : { signal }),
  })
  const sources = found.flatMap((discovery) => discovery.volumes)
  // A total is chosen from the whole set, file by file or not.
  const volumes = settings.keep === undefined ? await withSingleSlices(sources, signal) : sources
  const skipped = found.flatMap((discovery) => discovery.skipped)
  if (volumes.length === 0) {
    const left = Object.entries(countSkipped(skipped)).map(([reason, count]) => `${count} ${reason}`)
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `no volume was found below ${settings.roots.join(', ')} (left out: ${left.join(', ') || 'nothing'}); ` +
        'name the archive with dataset, or check the folders',
    )
  }
  return { volumes, skipped, fingerprint: fingerprintOf(settings, volumes) }
}

function fingerprintOf(settings: CurateSettings, volumes: readonly VolumeSource[]): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify(effectiveSettings(settings)))
  for (const { root, path, bytes, slice } of volumes)
    hash.update(JSON.stringify([root, path, bytes, ...(slice ?? [])]))
  return hash.digest('hex')
}
