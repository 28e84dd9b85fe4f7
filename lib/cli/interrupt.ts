// Ctrl-C and a polite kill become an AbortSignal, so that a command ends in order; a second one ends at once.

export async function withInterrupt<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  const abort = (name: NodeJS.Signals): void => {
    controller.abort(new Error(`interrupted by ${name}`))
  }
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', abort)
    process.off('SIGTERM', abort)
  }
}
