// Progress for whoever watches: a bar on a terminal, a line every few seconds elsewhere, JSON lines on request.
import { Presets, SingleBar } from 'cli-progress'
import { printJson, printNote } from './report.js'

const lineInterval = 5000 // ms

export interface Progress {
  /** `facts` are shown behind the bar, and are fields of the JSON lines. */
  update(done: number, total: number, facts?: Readonly<Record<string, number | string>>): void
  stop(): void
}

export function makeProgress(what: string, asJson: boolean): Progress {
  if (!asJson && process.stderr.isTTY) return makeBar(what)
  let lastTime = -Infinity
  return {
    update(done, total, facts) {
      if (performance.now() - lastTime < lineInterval) return
      lastTime = performance.now()
      if (asJson) printJson({ event: 'progress', done, total, ...facts })
      else printNote(`${what}: ${done} of ${total} (${Math.floor((100 * done) / total)} %)${inWords(facts)}`)
    },
    stop() {
      // lines need no end
    },
  }
}

function inWords(facts: Readonly<Record<string, number | string>> = {}): string {
  return Object.entries(facts)
    .map(([name, value]) => (typeof value === 'number' ? `, ${value} ${name}` : `, ${value}`))
    .join('')
}

function makeBar(what: string): Progress {
  const bar = new SingleBar(
    {
      format: `${what} {bar} {value}/{total} | {eta_formatted} left{facts}`,
      stream: process.stderr,
      hideCursor: true,
    },
    Presets.shades_classic,
  )
  let isStarted = false
  return {
    update(done, total, facts) {
      if (!isStarted) bar.start(total, done, { facts: '' })
      isStarted = true
      bar.update(done, { facts: inWords(facts) })
    },
    stop() {
      if (isStarted) bar.stop()
    },
  }
}
