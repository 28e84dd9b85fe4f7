// How commands speak: JSON lines on stdout with --json; otherwise results on stdout, the rest on stderr. And how they
// end.
import { GyrusError, isGyrusError } from '../errors.js'

export const exitCode = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** One JSON object a line. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** For people who watch, not for whoever reads the output. */
export function printNote(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Says what went wrong and returns the exit code for it. */
export function reportError(error: unknown, asJson: boolean): number {
  const code = isGyrusError(error) ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  const report = error instanceof GyrusError ? error.report : undefined
  if (asJson) printJson({ event: 'error', code: code ?? 'ERR_GYRUS_INTERNAL', message, report })
  printNote(`gyrus: ${message}${code === undefined ? '' : ` [${code}]`}`)
  for (const cause of causesOf(error)) printNote(`  caused by: ${cause}`)
  if (code === undefined && error instanceof Error && error.stack !== undefined) printNote(error.stack)
  if (code === 'ERR_GYRUS_ABORTED') return exitCode.interrupted
  return error instanceof TypeError || error instanceof RangeError ? exitCode.usage : exitCode.failed
}

/** What led to one of gyrus's errors, the nearest first. */
function causesOf(error: unknown): string[] {
  const causes: string[] = []
  if (!isGyrusError(error)) return causes
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message)
  return causes
}
