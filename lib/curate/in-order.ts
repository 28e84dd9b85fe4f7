// Work on many items at once whose results come in the order of the items.

/**
 * Runs `work` over the items with one call at a time per worker, and yields the results in the items' order. At most
 * twice as many results as there are workers wait for their turn, and none is begun beside others while there is no
 * room. When the consumer stops or an item fails, the calls under way are awaited before the generator ends.
 */
export async function* inOrder<Worker, Item, Result>(
  workers: readonly Worker[],
  items: readonly Item[],
  work: (worker: Worker, item: Item) => Promise<Result>,
  hasRoom: () => boolean = () => true,
): AsyncGenerator<Result> {
  const idle = [...workers]
  const waiting: Promise<{ result: Result } | { error: unknown }>[] = []
  let next = 0
  let isStopped = false
  const start = (worker: Worker, item: Item): void => {
    const settled = work(worker, item).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    )
    waiting.push(settled)
    // A worker is given more at once, whatever the consumer does meanwhile.
    void settled.then((outcome) => {
      idle.push(worker)
      isStopped ||= 'error' in outcome
      fill()
    })
  }
  const fill = (): void => {
    while (
      !isStopped &&
      next < items.length &&
      waiting.length < 2 * workers.length &&
      (waiting.length === 0 || hasRoom())
    ) {
      const worker = idle.pop()
      if (worker === undefined) return
      start(worker, items[next] as Item)
      next += 1
    }
  }
  try {
    for (;;) {
      fill()
      const first = waiting[0]
      if (first === undefined) return
      const outcome = await first
      void waiting.shift()
      if ('error' in outcome) throw outcome.error
      yield outcome.result
    }
  } finally {
    isStopped = true
    await Promise.all(waiting)
  }
}
