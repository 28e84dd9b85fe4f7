// Turns a callback that tells of progress into events of a generator.

const interval = 100 // ms

interface Progress {
  readonly type: 'preparing'
  readonly done: number
  readonly total: number
}

interface Preparation {
  readonly onProgress: (done: number, total: number) => void
  readonly signal: AbortSignal
}

/** Runs the work, and yields how far it is, as often as somebody asks. Work that nobody waits for any more is ended. */
export async function* preparing<Result>(
  outer: AbortSignal | undefined,
  work: (preparation: Preparation) => Promise<Result>,
): AsyncGenerator<Progress, Result> {
  let latest: Progress | undefined
  let wake: (() => void) | undefined
  const state: { isDone: boolean } = { isDone: false }
  const controller = new AbortController()
  const abort = (): void => {
    controller.abort(outer?.reason)
  }
  if (outer?.aborted === true) abort()
  outer?.addEventListener('abort', abort, { once: true })
  let told = -Infinity
  const onProgress = (done: number, total: number): void => {
    if (done < total && performance.now() - told < interval) return
    told = performance.now()
    latest = { type: 'preparing', done, total }
    wake?.()
  }
  const finished = work({ onProgress, signal: controller.signal }).finally(() => {
    state.isDone = true
    wake?.()
  })
  finished.catch(() => undefined) // reported at the end
  try {
    for (;;) {
      const due = latest
      latest = undefined
      if (due !== undefined) yield due
      else if (state.isDone) return await finished
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    outer?.removeEventListener('abort', abort)
    controller.abort()
    await finished.catch(() => undefined)
  }
}
