// Every asynchronous call into the engine goes through here: it connects an AbortSignal, and gives errors the stack of
// the call, which the engine's threads cannot know.
import { GyrusError, throwIfAborted } from './errors.js'
import { native, type NativeTicket } from './native.js'

/** Starts a call at once and settles with it. `method` is the public function: the stack begins at its caller. */
export async function callEngine<Result>(
  method: (...parameters: never[]) => unknown,
  signal: AbortSignal | undefined,
  start: (ticket: NativeTicket | undefined) => Promise<Result>,
): Promise<Result> {
  const site: { stack?: string } = {}
  Error.captureStackTrace(site, method)
  throwIfAborted(signal)
  const ticket = signal === undefined ? undefined : new (native().Ticket)()
  const cancel = (): void => ticket?.cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    return await start(ticket)
  } catch (error) {
    throw atCall(error, site.stack, signal)
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

function atCall(error: unknown, stack: string | undefined, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof Error)) return error
  const frames = stack?.slice(stack.indexOf('\n')) ?? ''
  error.stack = `${error.name}: ${error.message}${frames}`
  if (error instanceof GyrusError && error.code === 'ERR_GYRUS_ABORTED' && signal?.aborted === true) {
    Object.defineProperty(error, 'cause', {
      value: signal.reason,
      configurable: true,
      writable: true,
      enumerable: false,
    })
  }
  return error
}
