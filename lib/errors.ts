// The errors that gyrus raises: one class, a closed list of codes (its twin is native/core/error.h), one factory for
// bad arguments.
/** Every value of an error's `code`. Stable: part of the public contract. */
export const errorCodes = [
  'ERR_GYRUS_INVALID_ARGUMENT',
  'ERR_GYRUS_SHAPE',
  'ERR_GYRUS_DTYPE',
  'ERR_GYRUS_NAME',
  'ERR_GYRUS_BATCH_TOO_SMALL',
  'ERR_GYRUS_NON_FINITE',
  'ERR_GYRUS_FILE_NOT_FOUND',
  'ERR_GYRUS_FILE_IO',
  'ERR_GYRUS_FILE_FORMAT',
  'ERR_GYRUS_WEIGHTS_MISMATCH',
  'ERR_GYRUS_PRECISION_UNSUPPORTED',
  'ERR_GYRUS_CUDA_UNAVAILABLE',
  'ERR_GYRUS_OUT_OF_MEMORY',
  'ERR_GYRUS_ABORTED',
  'ERR_GYRUS_DISPOSED',
  'ERR_GYRUS_BUSY',
  'ERR_GYRUS_NOT_DIFFERENTIABLE',
  'ERR_GYRUS_COLLAPSED',
  'ERR_GYRUS_INTERNAL',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** How a file's tensors fit the model's: each is matched, mis-shaped, unexpected, folded or ignored. */
export interface LoadReport {
  readonly matched: readonly string[]
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
  readonly misshapen: readonly { readonly name: string; readonly expected: string; readonly found: string }[]
  /** Of the matched ones: first convolutions over RGB, summed into one channel for grey images. */
  readonly adapted: readonly string[]
  /** Biases of convolutions that were subtracted from the running means behind them, by the file's names. */
  readonly folded: readonly string[]
  /** What the file holds besides and was left aside on purpose, by the file's names. */
  readonly ignored: readonly { readonly name: string; readonly reason: string }[]
  /** Whose names the file has, in words; empty after a random initialisation. */
  readonly form: string
}

/** What gyrus rejects with, except for wrong arguments: those are TypeError or RangeError with the same `code`. */
export class GyrusError extends Error {
  readonly code: ErrorCode
  /** With ERR_GYRUS_WEIGHTS_MISMATCH where names or shapes do not fit: all of them. */
  declare readonly report?: LoadReport

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'GyrusError'
    this.code = code
  }
}

/** A TypeError (wrong kind of thing) or RangeError (wrong size or value) that also carries a code. */
export type ArgumentError = (TypeError | RangeError) & { readonly code: ErrorCode }

/** Whether a caught value is any of gyrus's errors. */
export function isGyrusError(error: unknown): error is Error & { readonly code: ErrorCode } {
  return error instanceof Error && 'code' in error && (errorCodes as readonly unknown[]).includes(error.code)
}

/** The error for an argument or option: its name, what it should be, and what it is. */
export function invalidOption(
  name: string,
  expected: string,
  got: unknown,
  kind: 'type' | 'range' = 'type',
): ArgumentError {
  const message = `${name} must be ${expected}, not ${describe(got)}`
  const error = kind === 'type' ? new TypeError(message) : new RangeError(message)
  return Object.assign(error, { code: 'ERR_GYRUS_INVALID_ARGUMENT' as const })
}

/** Throws ERR_GYRUS_ABORTED, with the signal's reason as its cause, when the signal has been raised. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal)
}

/** What a call that the signal cancelled rejects with. */
export function abortError(signal: AbortSignal | undefined): GyrusError {
  return new GyrusError('ERR_GYRUS_ABORTED', 'the call was cancelled', { cause: signal?.reason })
}

/** A value in a few words, for messages. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`
  if (typeof value === 'bigint') return `the bigint ${value.toString()}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return 'an object'
  const name: unknown = (prototype as { constructor?: { name?: unknown } }).constructor?.name
  return typeof name === 'string' && name !== '' ? `a ${name}` : 'an object'
}

/** An error as it travels from one thread to another. */
export interface PackedError {
  readonly code: string
  readonly message: string
  readonly stack: string
}

export function packError(error: unknown): PackedError {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  return { code: isGyrusError(error) ? error.code : 'ERR_GYRUS_INTERNAL', message, stack }
}

export function unpackError({ code, message, stack }: PackedError): GyrusError {
  const known = errorCodes.find((one) => one === code) ?? 'ERR_GYRUS_INTERNAL'
  return new GyrusError(known, message, { cause: stack })
}
