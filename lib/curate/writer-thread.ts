// A thread that writes one of the two files that take a while: the manifest, or the report. What it needs of other
// packages, a quarter of a second's worth, is loaded while the readers are at work; pictures are packed as they come.
import { parentPort, workerData } from 'node:worker_threads'
import type { SkippedFile, VolumeSource } from '../datasets/source.js'
import { isGyrusError } from '../errors.js'
import type { CurateSettings } from '../options/curate.js'
import { writeWhole } from '../write-file.js'
import type { Extracted, Measured, Unreadable } from './journal.js'
import type { Thumbnail } from './report/montage.js'
import { conclude, countAll, manifestRows } from './result.js'

export type WriterTask = 'manifest' | 'report'

/** What a run found, from which all that is written follows. */
export interface Found {
  readonly settings: CurateSettings
  readonly volumes: readonly VolumeSource[]
  readonly first: readonly (Measured | Unreadable)[]
  readonly second: readonly (Extracted | Unreadable)[]
  /** Files and folders left out before they were opened. */
  readonly skipped: readonly SkippedFile[]
}

export type WriterOrder =
  | { readonly volume: number; readonly thumbnails: readonly Thumbnail[] }
  | { readonly path: string; readonly found: Found }

export type WriterAnswer =
  { readonly isDone: true } | { readonly code: string; readonly message: string; readonly stack: string }

const pictures = new Map<number, readonly Thumbnail[]>()

const writers = {
  async manifest() {
    const { writeManifest } = await import('./manifest.js')
    return {
      show: () => undefined,
      write: (path: string, { volumes, first, second, settings }: Found) =>
        writeManifest(path, manifestRows(conclude(volumes, first, second, settings), settings)),
    }
  },
  async report() {
    const { renderReport } = await import('./report/report.js')
    const { pack } = await import('./report/picture.js')
    return {
      show: (volume: number, thumbnails: readonly Thumbnail[]) => {
        pictures.set(volume, thumbnails)
        for (const thumbnail of thumbnails) void pack(thumbnail)
      },
      write: async (path: string, { volumes, first, second, settings, skipped }: Found) => {
        const judged = conclude(volumes, first, second, settings)
        const counts = countAll(judged, settings)
        const bytes = volumes.reduce((sum, source) => sum + source.bytes, 0)
        const facts = { settings, judged, counts, thumbnails: pictures, skipped, bytes }
        await writeWhole(path, await renderReport(facts), true)
      },
    }
  },
} as const

const { task } = workerData as { task: WriterTask }
const loading = writers[task]()

async function follow(order: WriterOrder): Promise<void> {
  try {
    const { show, write } = await loading
    if ('volume' in order) {
      show(order.volume, order.thumbnails)
      return
    }
    await write(order.path, order.found)
    parentPort?.postMessage({ isDone: true })
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    parentPort?.postMessage({ code: isGyrusError(error) ? error.code : 'ERR_GYRUS_INTERNAL', message, stack })
  }
}

parentPort?.on('message', (order: WriterOrder) => void follow(order))
