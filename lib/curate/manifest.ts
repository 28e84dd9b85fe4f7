// manifest.parquet: one row a slice that was considered, kept or not, and one for each volume that could not be read.
import { rename } from 'node:fs/promises'
import { fileWriter, ParquetWriter, schemaFromColumnData, type BasicType } from 'hyparquet-writer'
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

const rowGroup = 100_000

/** Writes the rows as they come, in groups; the file appears under its name when the disk has it. */
export async function writeManifest(path: string, rows: Iterable<ManifestRow>): Promise<void> {
  const temporary = `${path}.partial`
  try {
    const writer = fileWriter(temporary)
    const parquet = new ParquetWriter({
      writer,
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
    let group: ManifestRow[] = []
    const flush = async (): Promise<void> => {
      const columnData = columns.map(({ name, type }) => ({
        name,
        type,
        data: group.map((row) => row[name] ?? null),
      }))
      await parquet.write({ columnData, rowGroupSize: rowGroup })
      group = []
    }
    for (const row of rows) {
      group.push(row)
      if (group.length === rowGroup) await flush()
    }
    if (group.length > 0) await flush()
    await parquet.finish()
    await syncToDisk(temporary)
    await rename(temporary, path)
  } catch (error) {
    throw writeError(path, error)
  }
}
