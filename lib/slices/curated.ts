// The slices of a curated folder: which shards, and what the manifest says of each row.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet'
import { GyrusError, isGyrusError } from '../errors.js'
import type { NpyInfo } from '../native.js'
import { npyInfo } from '../npy.js'

export const sliceFacts = [
  'dataset',
  'subject',
  'session',
  'contrast',
  'root',
  'source_path',
  'index',
  'split',
] as const
export type SliceFact = (typeof sliceFacts)[number]
const rowsAtATime = 100_000

export interface CuratedSlices {
  readonly folder: string
  /** Paths, in the order in which the rows count through them. */
  readonly shards: readonly string[]
  readonly count: number
  /** Of each row: what the manifest says, by column. */
  readonly facts: Readonly<Record<SliceFact, readonly string[]>>
  /** Tells this curation from others. */
  readonly fingerprint: string
}

/** Rows to train on, rising. */
export function rowsOf(slices: CuratedSlices, split: 'train' | 'val' | 'all'): Uint32Array {
  const rows = slices.facts.split.flatMap((name, row) => (split === 'all' || name === split ? [row] : []))
  return Uint32Array.from(rows)
}

/** Reads manifest and summary, and checks that they speak of the shards that are there. */
export async function readCurated(folder: string): Promise<CuratedSlices> {
  const summary = await readSummary(folder)
  const table = await readKept(join(folder, 'manifest.parquet'))
  const count = table.shard.length
  if (count !== summary.kept)
    throw damaged(folder, `the manifest has ${count} kept slices, curation.json ${summary.kept}`)
  if (count === 0) throw damaged(folder, 'it holds no slices')
  const shards = rowsOfShards(folder, table)
  for (const [name, rows] of shards) await checkShard(folder, name, rows, summary.size)
  const names = [...shards.keys()]
  return {
    folder,
    shards: names.map((name) => join(folder, name)),
    count,
    facts: table.facts,
    fingerprint: summary.fingerprint,
  }
}

/** How many rows the manifest gives each shard. Rows are counted through the shards, so each must be where it says. */
function rowsOfShards(folder: string, { shard, row }: Kept): Map<string, number> {
  const rows = new Map<string, number>()
  let last = ''
  for (const [at, name] of shard.entries()) {
    if (name < last) throw damaged(folder, `the manifest has rows of ${name} behind those of ${last}`)
    last = name
    const expected = rows.get(name) ?? 0
    if (row[at] !== expected)
      throw damaged(folder, `the manifest has row ${row[at]} of ${name} where row ${expected} must follow`)
    rows.set(name, expected + 1)
  }
  return rows
}

/** The shard's own header against the manifest: one row more or less would give all later slices the wrong facts. */
async function checkShard(folder: string, name: string, rows: number, size: number): Promise<void> {
  const { shape, dtype } = await headerOf(folder, name)
  const found = `[${shape.join(', ')}] of ${dtype}`
  const wanted = `[${rows}, ${size}, ${size}] of <u2`
  if (found !== wanted) throw damaged(folder, `${name} holds ${found}, by the manifest ${wanted}`)
}

async function headerOf(folder: string, name: string): Promise<NpyInfo> {
  try {
    return await npyInfo(join(folder, name))
  } catch (error) {
    if (!isGyrusError(error) || error.code === 'ERR_GYRUS_FILE_IO') throw error
    if (error.code !== 'ERR_GYRUS_FILE_NOT_FOUND') throw damaged(folder, error.message, error)
    const message = `${join(folder, name)} is missing: run \`gyrus curate\` again`
    throw new GyrusError(error.code, message, { cause: error })
  }
}

function damaged(folder: string, what: string, cause?: unknown): GyrusError {
  return new GyrusError(
    'ERR_GYRUS_FILE_FORMAT',
    `${folder} is no whole curated folder: ${what}; run \`gyrus curate\` into it again`,
    { cause },
  )
}

async function readSummary(folder: string): Promise<{ kept: number; size: number; fingerprint: string }> {
  const path = join(folder, 'curation.json')
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `${path} cannot be read: pretraining takes a folder that \`gyrus curate\` has finished`,
      { cause },
    )
  }
  const { kept, fingerprint, settings } = value as {
    kept?: unknown
    fingerprint?: unknown
    settings?: { size?: unknown }
  }
  const size = settings?.size
  if (typeof kept !== 'number' || typeof size !== 'number' || typeof fingerprint !== 'string')
    throw damaged(folder, 'curation.json lacks kept, fingerprint or settings.size')
  return { kept, size, fingerprint }
}

interface Kept {
  readonly shard: string[]
  readonly row: number[]
  readonly facts: Record<SliceFact, string[]>
}

/** The kept rows' columns. Read in parts: a manifest may have millions of rows. */
async function readKept(path: string): Promise<Kept> {
  const kept: Kept = {
    shard: [],
    row: [],
    facts: {
      dataset: [],
      subject: [],
      session: [],
      contrast: [],
      root: [],
      source_path: [],
      index: [],
      split: [],
    },
  }
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    // The first element is the row as a whole.
    const names = metadata.schema.slice(1).map(({ name }) => name)
    const columns = [
      'kept',
      'shard',
      'row',
      ...sliceFacts.filter((fact) => fact !== 'root' || names.includes(fact)),
    ]
    const total = Number(metadata.num_rows)
    for (let rowStart = 0; rowStart < total; rowStart += rowsAtATime) {
      const rowEnd = Math.min(total, rowStart + rowsAtATime)
      const onComplete = (rows: Record<string, unknown>[]): void => {
        for (const row of rows) if (row['kept'] === true) take(kept, row)
      }
      await parquetRead({ file, metadata, columns, rowStart, rowEnd, rowFormat: 'object', onComplete })
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GyrusError('ERR_GYRUS_FILE_FORMAT', `${path} cannot be read as a manifest: ${why}`, { cause })
  }
  return kept
}

function take(kept: Kept, row: Readonly<Record<string, unknown>>): void {
  kept.shard.push(String(row['shard']))
  kept.row.push(Number(row['row']))
  // Manifests of before there was a column `root` have one root.
  for (const fact of sliceFacts) kept.facts[fact].push(fact in row ? String(row[fact]) : '')
}
