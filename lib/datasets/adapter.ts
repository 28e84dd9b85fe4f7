// What every archive's adapter answers: is a file of that archive, and what does its path say?
import type { DatasetName, SkipReason, SourceFormat } from './source.js'

/** A file that the adapter takes, or leaves out for a reason. */
export type Claim =
  | {
      readonly subject: string
      readonly session: string
      readonly contrast: string
      readonly part: string
      readonly format: SourceFormat
    }
  | { readonly skip: SkipReason }

export interface Adapter {
  readonly name: DatasetName
  /** `segments`: the root's own name, and the path below it; the last is the file's. */
  claim(segments: readonly string[]): Claim | undefined
}

/** The last word, the file's name. */
export function fileName(segments: readonly string[]): string {
  return segments.at(-1) ?? ''
}

/** The archive's part that a folder's name tells of, the innermost first; undefined where none does. */
export function partOf(
  folders: readonly string[],
  parts: readonly (readonly [RegExp, string])[],
): string | undefined {
  for (const folder of folders.toReversed()) {
    const found = parts.find(([pattern]) => pattern.test(folder))
    if (found !== undefined) return found[1]
  }
  return undefined
}
