// What a promise rejected with, checked for the things that every error of gyrus must have.
import type { Test } from 'tap'
import { isGyrusError, type ErrorCode } from '../../lib/index.js'

/** Waits for the rejection, checks its code, class and stack, and returns it. */
export async function rejection(
  t: Test,
  promise: Promise<unknown>,
  code: ErrorCode,
  name: 'GyrusError' | 'TypeError' | 'RangeError' = 'GyrusError',
): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isGyrusError(error)) {
    t.fail(`expected ${code}, got ${error instanceof Error ? error.message : 'no rejection'}`)
    return new Error('not a GyrusError')
  }
  t.equal(error.code, code, error.message)
  t.equal(error.name, name)
  t.match(error.stack, /\.test\.[jt]s/, 'the stack leads to the call')
  return error
}
