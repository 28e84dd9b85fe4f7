// Labels of slices, from a CSV file: a column `label`, and any of the manifest's columns, which together say of which
// slices. The first line that fits a slice counts.
import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { GyrusError } from '../errors.js'
import { suggest } from '../options/suggest.js'
import { sliceFacts, type CuratedSlices, type SliceFact } from './curated.js'

export interface LabelledSlices {
  /** Class names, in the order of the class numbers: sorted. */
  readonly classes: readonly string[]
  /** Rows with a label, rising. */
  readonly rows: Uint32Array
  /** The class of each of them. */
  readonly labels: Int32Array
}

export async function readLabels(path: string, slices: CuratedSlices): Promise<LabelledSlices> {
  const { keys, lines } = await readTable(path)
  const wanted = new Map<string, string>()
  for (const line of lines) {
    const key = keys.map((name) => line[name] ?? '').join('\n')
    if (!wanted.has(key)) wanted.set(key, line['label'] ?? '')
  }
  const found: [row: number, label: string][] = []
  for (let row = 0; row < slices.count; row += 1) {
    const key = keys.map((name) => slices.facts[name][row] ?? '').join('\n')
    const label = wanted.get(key)
    if (label !== undefined && label !== '') found.push([row, label])
  }
  const classes = [...new Set(found.map(([, label]) => label))].sort()
  if (classes.length < 2)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} gives the ${slices.count} slices ${classes.length} different labels, and two are needed: its columns ` +
        `${keys.join(', ')} must hold what manifest.parquet holds`,
    )
  return {
    classes,
    rows: Uint32Array.from(found, ([row]) => row),
    labels: Int32Array.from(found, ([, label]) => classes.indexOf(label)),
  }
}

async function readTable(path: string): Promise<{ keys: SliceFact[]; lines: Record<string, string>[] }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `the labels ${path} cannot be read`, { cause })
  }
  let lines: Record<string, string>[]
  try {
    lines = parse(text, { columns: true, bom: true, trim: true, skip_empty_lines: true })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GyrusError('ERR_GYRUS_FILE_FORMAT', `${path} is no CSV: ${why}`, { cause })
  }
  const columns = Object.keys(lines[0] ?? {})
  const keys = sliceFacts.filter((name) => columns.includes(name))
  if (!columns.includes('label') || keys.length === 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} must have a column 'label' and some of ${sliceFacts.join(', ')}; ` +
        `it has ${columns.join(', ') || 'no lines'}`,
    )
  const foreign = columns.find(
    (name) => name !== 'label' && !(sliceFacts as readonly string[]).includes(name),
  )
  if (foreign !== undefined) {
    const nearest = suggest(foreign, sliceFacts)
    const hint = nearest === undefined ? `known are ${sliceFacts.join(', ')}` : `did you mean '${nearest}'?`
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} has a column '${foreign}' that the manifest lacks; ${hint}`,
    )
  }
  return { keys, lines }
}
