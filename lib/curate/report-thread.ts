// The thread that writes the report. Pictures are packed as they come.
import { pictureUrl } from '../report/picture.js'
import { writeWhole } from '../write-file.js'
import { thumbnailSize } from './report/montage.js'
import { renderReport, type Picture } from './report/report.js'
import { conclude, countAll } from './result.js'
import { serveWriter, type Found, type Pictures, type Run } from './writer-thread.js'

class Report {
  readonly #run: Run
  readonly #pictures = new Map<number, readonly Picture[]>()

  constructor(run: Run) {
    this.#run = run
  }

  take({ volume, thumbnails }: Pictures): void {
    this.#pictures.set(
      volume,
      thumbnails.map(({ pixels, ...shown }) => ({ ...shown, url: pictureUrl(pixels, thumbnailSize) })),
    )
  }

  async finish({ first, second, skipped }: Found): Promise<void> {
    const { settings, volumes, path } = this.#run
    const judged = conclude(volumes, first, second, settings)
    const facts = {
      settings,
      judged,
      counts: countAll(judged, settings),
      pictures: this.#pictures,
      skipped,
      bytes: volumes.reduce((sum, source) => sum + source.bytes, 0),
    }
    await writeWhole(path, renderReport(facts), true)
  }
}

serveWriter((run) => new Report(run))
