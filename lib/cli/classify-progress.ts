// Progress of what first resizes images and then trains: a bar for each.
import { makeProgress, type Progress } from './progress.js'
import { printNote } from './report.js'

export interface Stages extends Progress {
  /** Images that are resized. */
  prepare(done: number, total: number): void
}

export function makeStages(what: string, asJson: boolean): Stages {
  const resizing = makeProgress('resizing', asJson)
  const main = makeProgress(what, asJson)
  return {
    prepare(done, total) {
      if (done < total) {
        resizing.update(done, total)
        return
      }
      resizing.stop()
      printNote(`${total} images are resized`)
    },
    update: (...facts) => {
      main.update(...facts)
    },
    stop() {
      resizing.stop()
      main.stop()
    },
  }
}
