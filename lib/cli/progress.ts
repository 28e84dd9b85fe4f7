// Progress for whoever watches: a bar on a terminal, a line every few seconds elsewhere, JSON lines on request.
import { Presets, SingleBar } from 'cli-progress'
import { printJson, printNote } from './report.js'

const lineInterval = 5000 // ms

export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

export function makeProgress(what: string, asJson: boolean): Progress {
  if (!asJson && process.stderr.isTTY) return makeBar(what)
  let lastTime = -Infinity
  return {
    update(done, total) {
      if (performance.now() - lastTime < lineInterval) return
      lastTime = performance.now()
      if (asJson) printJson({ event: 'progress', done, total })
      else printNote(`${what}: ${done} of ${total} (${Math.floor((100 * done) / total)} %)`)
    },
    stop() {
      // lines need no end
    },
  }
}

function makeBar(what: string): Progress {
  const bar = new SingleBar(
    {
      format: `${what} {bar} {value}/{total} | {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
    },
    Presets.shades_classic,
  )
  let isStarted = false
  return {
    update(done, total) {
      if (!isStarted) bar.start(total, done)
      isStarted = true
      bar.update(done)
    },
    stop() {
      if (isStarted) bar.stop()
    },
  }
}
