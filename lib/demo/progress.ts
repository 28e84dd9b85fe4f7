// A progress bar on a terminal, a line now and then elsewhere: the loss beside the loss of guessing.
import { SingleBar } from 'cli-progress'

export interface Progress {
  update(step: number, loss: number): void
  stop(): void
}

export function showProgress(steps: number, chance: number): Progress {
  const guessing = `guessing has ${chance.toFixed(2)}`
  if (!process.stderr.isTTY) {
    const every = Math.max(1, Math.round(steps / 10))
    return {
      update(step, loss) {
        if (step % every === 0) console.log(`step ${step} of ${steps}: loss ${loss.toFixed(3)} (${guessing})`)
      },
      stop() {
        // Lines need no end.
      },
    }
  }
  const format = `{bar} step {value} of {total}, loss {loss} (${guessing}), {eta_formatted} left`
  const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: false })
  bar.start(steps, 0, { loss: '-' })
  return {
    update: (step, loss) => {
      bar.update(step, { loss: loss.toFixed(3) })
    },
    stop: () => {
      bar.stop()
    },
  }
}
