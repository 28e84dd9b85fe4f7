// manifest.parquet: one row a slice that was considered, kept or not, and one for each volume that could not be read.
import { rename } from 'node:fs/promises'
import { fileWriter, ParquetWriter, schemaFromColumnData, type BasicType } from 'hyparquet-writer'
import type { Encoding } from 'hyparquet'
import { syncToDisk, writeError } from '../write-file.js'

/** One row. Numbers that are not known are undefined: null in the file. */
export interface ManifestRow {
  readonly dataset: string
  readonly subject: string
  readonly session: string
  readonly contrast: string
  /** The folder as it was given. */
  readonly root: string
  /** Below the root. */
  readonly source_path: string
  readonly volume_sha256: string | undefined
  readonly plane: string
  readonly index: number | undefined
  readonly position: number | undefined
  readonly entropy: number | undefined
  readonly foreground_fraction: number | undefined
  readonly kept: boolean
  readonly reason: string
  readonly split: string
  readonly shard: string | undefined
  readonly row: number | undefined
  readonly scale_lo: number | undefined
  readonly scale_hi: number | undefined
  /** What went wrong with a volume that could not be read. */
  readonly detail: string | undefined
}

const columns: readonly { name: keyof ManifestRow; type: BasicType; isOptional: boolean }[] = [
  { name: 'dataset', type: 'STRING', isOptional: false },
  { name: 'subject', type: 'STRING', isOptional: false },
  { name: 'session', type: 'STRING', isOptional: false },
  { name: 'contrast', type: 'STRING', isOptional: false },
  { name: 'root', type: 'STRING', isOptional: false },
  { name: 'source_path', type: 'STRING', isOptional: false },
  { name: 'volume_sha256', type: 'STRING', isOptional: true },
  { name: 'plane', type: 'STRING', isOptional: false },
  { name: 'index', type: 'INT32', isOptional: true },
  { name: 'position', type: 'DOUBLE', isOptional: true },
  { name: 'entropy', type: 'DOUBLE', isOptional: true },
  { name: 'foreground_fraction', type: 'DOUBLE', isOptional: true },
  { name: 'kept', type: 'BOOLEAN', isOptional: false },
  { name: 'reason', type: 'STRING', isOptional: false },
  { name: 'split', type: 'STRING', isOptional: false },
  { name: 'shard', type: 'STRING', isOptional: true },
  { name: 'row', type: 'INT32', isOptional: true },
  { name: 'scale_lo', type: 'DOUBLE', isOptional: true },
  { name: 'scale_hi', type: 'DOUBLE', isOptional: true },
  { name: 'detail', type: 'STRING', isOptional: true },
]

/** Told, not tried out on every group. */
const encodings: Record<string, { readonly encoding?: Encoding }> = {
  STRING: { encoding: 'RLE_DICTIONARY' }, // names repeat
  DOUBLE: { encoding: 'PLAIN' },
  INT32: { encoding: 'PLAIN' },
}
/** A column may be empty in a group, and not every reader takes a dictionary of nothing. */
const triedOut: ReadonlySet<string> = new Set(['volume_sha256', 'shard', 'detail'])

/** By whose bounds a reader can skip groups: rows come dataset by dataset. Of other columns a group has all values. */
const sorted: ReadonlySet<string> = new Set(['dataset', 'contrast', 'root'])

/** Enough for a reader to skip by, few enough to be young when they are dropped. */
const rowGroup = 32_768

/** Takes rows one by one and writes them in groups; the file appears under its name when the disk has it. */
export class ManifestWriter {
  readonly #path: string
  readonly #parquet: ParquetWriter
  #columns = emptyColumns()

  constructor(path: string) {
    this.#path = path
    try {
      this.#parquet = new ParquetWriter({
        writer: fileWriter(this.#partial),
        schema: schemaFromColumnData({
          columnData: columns.map(({ name, type, isOptional }) => ({
            name,
            type,
            data: [],
            nullable: isOptional,
          })),
        }),
        createdBy: 'gyrus',
      })
    } catch (error) {
      throw writeError(path, error)
    }
  }

  get #partial(): string {
    return `${this.#path}.partial`
  }

  /** True when a group is full: then flush() must come next. A promise a row would take as long as the row. */
  add(row: ManifestRow): boolean {
    for (const { name, data } of this.#columns) data.push(row[name] ?? null)
    return this.#columns[0]?.data.length === rowGroup
  }

  /** Writes what is left. */
  async finish(): Promise<void> {
    if (this.#columns[0]?.data.length !== 0) await this.flush()
    try {
      await this.#parquet.finish()
      await syncToDisk(this.#partial)
      await rename(this.#partial, this.#path)
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }

  /** Writes the rows that were added. */
  async flush(): Promise<void> {
    const columnData = this.#columns
    this.#columns = emptyColumns()
    try {
      await this.#parquet.write({ columnData, rowGroupSize: rowGroup, pageSize: 0 })
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }
}

function emptyColumns() {
  return columns.map(({ name, type }) => ({
    name,
    type,
    data: [] as (string | number | boolean | null)[],
    ...(triedOut.has(name) ? {} : encodings[type]),
    statistics: sorted.has(name),
    offsetIndex: false, // a group is one page
  }))
}
