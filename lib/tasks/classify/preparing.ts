// Turns a callback that tells of progress into events of a generator.

interface Progress {
  readonly type: 'preparing'
  readonly done: number
  readonly total: number
}

/** Runs the work, and yields how far it is, as often as somebody asks. */
export async function* preparing<Result>(
  work: (onProgress: (done: number, total: number) => void) => Promise<Result>,
): AsyncGenerator<Progress, Result> {
  let latest: Progress | undefined
  let wake: (() => void) | undefined
  let isDone = false
  const finished = work((done, total) => {
    latest = { type: 'preparing', done, total }
    wake?.()
  }).finally(() => {
    isDone = true
    wake?.()
  })
  finished.catch(() => undefined) // reported at the end
  for (;;) {
    const due = latest
    latest = undefined
    if (due !== undefined) yield due
    else if (isDone) return finished
    else
      await new Promise<void>((resolve) => {
        wake = resolve
        if (latest !== undefined || isDone) resolve()
      })
  }
}
