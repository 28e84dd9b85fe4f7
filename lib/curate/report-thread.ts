// The thread that writes the report. Pictures are packed as they come.
import { writeWhole } from '../write-file.js'
import type { Thumbnail } from './report/montage.js'
import { pack } from './report/picture.js'
import { renderReport } from './report/report.js'
import { conclude, countAll } from './result.js'
import { serveWriter, type Found, type Pictures, type Run } from './writer-thread.js'

class Report {
  readonly #run: Run
  readonly #thumbnails = new Map<number, readonly Thumbnail[]>()

  constructor(run: Run) {
    this.#run = run
  }

  take({ volume, thumbnails }: Pictures): void {
    this.#thumbnails.set(volume, thumbnails)
    for (const thumbnail of thumbnails) void pack(thumbnail)
  }

  async finish({ first, second, skipped }: Found): Promise<void> {
    const { settings, volumes, path } = this.#run
    const judged = conclude(volumes, first, second, settings)
    const facts = {
      settings,
      judged,
      counts: countAll(judged, settings),
      thumbnails: this.#thumbnails,
      skipped,
      bytes: volumes.reduce((sum, source) => sum + source.bytes, 0),
    }
    await writeWhole(path, await renderReport(facts), true)
  }
}

serveWriter((run) => new Report(run))
