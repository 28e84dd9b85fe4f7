// A curated folder made by hand: shards, manifest and summary, without any volume behind them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'

/** Bytes of a .npy file of uint16 [rows, size, size]. */
export function shardBytes(rows: number, size: number, value: (row: number, at: number) => number): Buffer {
  const dict = `{'descr': '<u2', 'fortran_order': False, 'shape': (${rows}, ${size}, ${size}), }`
  const header = `${dict.padEnd(117)}\n`
  const pixels = Uint16Array.from({ length: rows * size * size }, (_, at) =>
    value(Math.floor(at / size ** 2), at % size ** 2),
  )
  const prefix = Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1')
  return Buffer.concat([prefix, Buffer.from(header, 'latin1'), Buffer.from(pixels.buffer)])
}

export interface CuratedOptions {
  readonly rows: number
  readonly size: number
  readonly shardRows?: number
  /** Of a row. */
  readonly subject?: (row: number) => string
  readonly split?: (row: number) => 'train' | 'val'
  readonly pixel?: (row: number, at: number) => number
  /** The row of its shard that the manifest says it is: wrong ones, to be refused. */
  readonly place?: (row: number) => number
}

/** Blobs whose place and width tell rows apart. */
function blob(size: number): (row: number, at: number) => number {
  return (row, at) => {
    const [x, y] = [at % size, Math.floor(at / size)]
    const [cx, cy] = [size * (0.3 + 0.05 * (row % 9)), size * (0.3 + 0.05 * (row % 7))]
    const width = size * (0.1 + 0.02 * (row % 5))
    const wave = 0.3 * Math.sin((x + row) / 3) * Math.cos((y - row) / 4)
    return Math.round(
      60000 * Math.min(1, Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / width ** 2) * (0.7 + wave)),
    )
  }
}

export function writeCurated(folder: string, options: CuratedOptions): string {
  const { rows, size, shardRows = rows, pixel = blob(size), place = (row) => row % shardRows } = options
  const { subject = (row) => `subject-${Math.floor(row / 2)}`, split = () => 'train' } = options
  mkdirSync(folder, { recursive: true })
  const name = (shard: number): string => `slices-${String(shard).padStart(5, '0')}.npy`
  for (let first = 0; first < rows; first += shardRows) {
    const bytes = shardBytes(Math.min(shardRows, rows - first), size, (row, at) => pixel(first + row, at))
    writeFileSync(join(folder, name(first / shardRows)), bytes)
  }
  const list = Array.from({ length: rows }, (_, row) => row)
  const text = (column: string, value: (row: number) => string) => ({ name: column, data: list.map(value) })
  const columnData = [
    text('dataset', () => 'made'),
    text('subject', subject),
    text('session', () => ''),
    text('contrast', () => 't1'),
    text('source_path', (row) => `${subject(row)}.nii.gz`),
    { name: 'index', data: list, type: 'INT32' as const },
    { name: 'kept', data: list.map(() => true), type: 'BOOLEAN' as const },
    text('split', split),
    text('shard', (row) => name(Math.floor(row / shardRows))),
    { name: 'row', data: list.map(place), type: 'INT32' as const },
  ]
  writeFileSync(join(folder, 'manifest.parquet'), Buffer.from(parquetWriteBuffer({ columnData })))
  const summary = { kept: rows, fingerprint: `made-${rows}-${size}`, settings: { size } }
  writeFileSync(join(folder, 'curation.json'), JSON.stringify(summary))
  return folder
}
