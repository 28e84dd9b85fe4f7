// curate() over a folder: entropies of every slice, and, beyond the peer's work, shards, manifest and report written.
// Percentiles count all voxels here, as the peer's do.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { curate } from 'gyrus'

const text = { type: 'string' }
const { values: options } = parseArgs({ options: { input: text, threads: text, scratch: text } })
const out = mkdtempSync(join(options.scratch, 'curated-'))
try {
  const settings = { roots: [options.input], out, percentilesOf: 'all' }
  let result
  const start = performance.now()
  for await (const event of curate(settings)) if (event.type === 'done') result = event
  const seconds = (performance.now() - start) / 1000
  const peakBytes = process.resourceUsage().maxRSS * 1024
  const file = await asyncBufferFromFile(join(out, 'manifest.parquet'))
  const rows = await parquetReadObjects({ file, columns: ['source_path', 'entropy'] })
  const byVolume = groupBySource(rows)
  const sample = [...byVolume.values()].map((own) => own[Math.floor(own.length / 2)].entropy)
  const message = { event: 'done', seconds, slices: result.considered, sample, peakBytes }
  console.log(JSON.stringify({ ...message, versions: { node: process.version } }))
} finally {
  rmSync(out, { recursive: true })
}

function groupBySource(rows) {
  const groups = new Map()
  for (const row of rows) {
    const own = groups.get(row.source_path)
    if (own === undefined) groups.set(row.source_path, [row])
    else own.push(row)
  }
  return groups
}
