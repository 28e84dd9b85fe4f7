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

interface Column {
  readonly name: keyof ManifestRow
  readonly type: BasicType
  readonly isOptional: boolean
  /** Told where it is known, so that it is not tried out on every group. */
  readonly encoding?: Encoding
  /** By its bounds a reader can skip groups: rows come dataset by dataset. Of other columns a group has all values. */
  readonly isSorted?: true
}

/** Of names that repeat. A column that may be empty in a group has none: not every reader takes one of nothing. */
const dictionary = 'RLE_DICTIONARY'

const columns: readonly Column[] = [
  { name: 'dataset', type: 'STRING', isOptional: false, encoding: dictionary, isSorted: true },
  { name: 'subject', type: 'STRING', isOptional: false, encoding: dictionary },
  { name: 'session', type: 'STRING', isOptional: false, encoding: dictionary },
  { name: 'contrast', type: 'STRING', isOptional: false, encoding: dictionary, isSorted: true },
  { name: 'root', type: 'STRING', isOptional: false, encoding: dictionary, isSorted: true },
  { name: 'source_path', type: 'STRING', isOptional: false, encoding: dictionary },
  { name: 'volume_sha256', type: 'STRING', isOptional: true },
  { name: 'plane', type: 'STRING', isOptional: false, encoding: dictionary },
  { name: 'index', type: 'INT32', isOptional: true, encoding: 'PLAIN' },
  { name: 'position', type: 'DOUBLE', isOptional: true, encoding: 'PLAIN' },
  { name: 'entropy', type: 'DOUBLE', isOptional: true, encoding: 'PLAIN' },
  { name: 'foreground_fraction', type: 'DOUBLE', isOptional: true, encoding: 'PLAIN' },
  { name: 'kept', type: 'BOOLEAN', isOptional: false },
  { name: 'reason', type: 'STRING', isOptional: false, encoding: dictionary },
  { name: 'split', type: 'STRING', isOptional: false, encoding: dictionary },
  { name: 'shard', type: 'STRING', isOptional: true },
  { name: 'row', type: 'INT32', isOptional: true, encoding: 'PLAIN' },
  { name: 'scale_lo', type: 'DOUBLE', isOptional: true, encoding: 'PLAIN' },
  { name: 'scale_hi', type: 'DOUBLE', isOptional: true, encoding: 'PLAIN' },
  { name: 'detail', type: 'STRING', isOptional: true },
]

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
  return columns.map(({ name, type, encoding, isSorted = false }) => ({
    name,
    type,
    data: [] as (string | number | boolean | null)[],
    ...(encoding === undefined ? {} : { encoding }),
    statistics: isSorted,
    offsetIndex: false, // a group is one page
  }))
}
