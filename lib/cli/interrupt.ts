// Ctrl-C and a polite kill become an AbortSignal, so that a command ends in order; a second one ends at once.

const always: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']

/** `more`: further signals that mean the same, such as a scheduler's warning. */
export async function withInterrupt<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  more: readonly NodeJS.Signals[] = [],
): Promise<Result> {
  const controller = new AbortController()
  const abort = (name: NodeJS.Signals): void => {
    controller.abort(new Error(`interrupted by ${name}`))
  }
  for (const name of [...always, ...more]) process.once(name, abort)
  try {
    return await work(controller.signal)
  } finally {
    for (const name of [...always, ...more]) process.off(name, abort)
  }
}
