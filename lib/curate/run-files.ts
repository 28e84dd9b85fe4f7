// The folder of a run: what is open in it while the run lasts, and what an earlier process left.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GyrusError } from '../errors.js'
import type { CurateSettings } from '../options/curate.js'
import { lockFolder } from '../run/lock.js'
import { ShardWriter } from '../slices/shard-writer.js'
import { makeFolder, writeError } from '../write-file.js'
import { inStacks } from './image-stack.js'
import { Journal, type Entry } from './journal.js'
import type { Plan } from './plan.js'

export const summaryName = 'curation.json'
const journalName = 'journal.jsonl.partial'
const ownFiles =
  /^(slices-\d{5,}\.npy|manifest\.parquet|curation\.json|skipped\.jsonl|report\.html|journal\.jsonl)(\.partial)?$/

export class RunFiles {
  readonly journal: Journal
  readonly shards: ShardWriter
  /** What an earlier process did. */
  readonly entries: readonly Entry[]
  readonly #out: string
  readonly #unlock: () => Promise<void>

  private constructor(
    out: string,
    open: { readonly journal: Journal; readonly shards: ShardWriter; readonly entries: readonly Entry[] },
    unlock: () => Promise<void>,
  ) {
    this.#out = out
    this.journal = open.journal
    this.shards = open.shards
    this.entries = open.entries
    this.#unlock = unlock
  }

  /** Takes the folder, which is the run's until it is closed: another process would write over the same shards. */
  static async open(settings: CurateSettings, plan: Plan): Promise<RunFiles> {
    const { out } = settings
    try {
      await makeFolder(out)
      const unlock = await lockFolder(out)
      try {
        return new RunFiles(out, await openLocked(settings, plan), unlock)
      } catch (error) {
        await unlock()
        throw error
      }
    } catch (error) {
      throw writeError(out, error)
    }
  }

  /** The folder is complete: the journal is no longer needed. */
  async complete(): Promise<void> {
    await rm(join(this.#out, journalName))
  }

  async close(): Promise<void> {
    try {
      await this.shards.close()
      await this.journal.close()
    } finally {
      await this.#unlock()
    }
  }
}

async function openLocked(settings: CurateSettings, plan: Plan) {
  const { out, size, shardRows } = settings
  if (settings.overwrite) {
    for (const name of await readdir(out)) if (ownFiles.test(name)) await rm(join(out, name))
  }
  const names = await readdir(out)
  const layout = { folder: out, size, rows: shardRows }
  const rowsThere = await ShardWriter.countRows(layout)
  const opened = names.includes(summaryName)
    ? undefined
    : await Journal.open(join(out, journalName), plan.fingerprint, (entries) =>
        wholeStacks(plan, settings, countHeld(entries, rowsThere)),
      )
  if (opened === undefined) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_IO',
      `${out} holds a finished run, or one with other settings or files: choose another folder, or pass overwrite`,
    )
  }
  const { journal, entries } = opened
  const rows = entries.reduce((last, entry) => ('rows' in entry ? entry.rows : last), 0)
  try {
    const shards = await ShardWriter.open(layout, rows)
    return { journal, shards, entries }
  } catch (error) {
    await journal.close()
    throw error
  }
}

/** How many entries speak of rows that are on the disk: after a power loss the journal may be ahead of the shards. */
function countHeld(entries: readonly Entry[], rowsThere: number): number {
  const first = entries.findIndex((entry) => 'rows' in entry && entry.rows > rowsThere)
  return first < 0 ? entries.length : first
}

/** So many of the first `count` entries as are of whole stacks: images of one stack are measured again together. */
function wholeStacks({ volumes }: Plan, { keep }: CurateSettings, count: number): number {
  if (keep !== undefined) return count
  let whole = 0
  for (const { length } of inStacks(volumes, (source) => source)) {
    if (whole + length > count) break
    whole += length
  }
  return whole
}
