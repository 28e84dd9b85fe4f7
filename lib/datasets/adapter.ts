// What every archive's adapter answers: is a file of that archive, and what does its path say?
import type { DatasetName, SourceFormat } from './source.js'

/** A file that the adapter takes, or leaves out for a reason. */
export type Claim =
  | {
      readonly subject: string
      readonly session: string
      readonly contrast: string
      readonly part: string
      readonly format: SourceFormat
    }
  | { readonly skip: string }

export interface Adapter {
  readonly name: DatasetName
  /** `segments`: the path below the root, and before it the root's own name; the last is the file's. */
  claim(segments: readonly string[]): Claim | undefined
}

/** The last word, the file's name. */
export function fileName(segments: readonly string[]): string {
  return segments.at(-1) ?? ''
}

/** The archive's part that a folder's name tells of, the innermost first. */
export function partOf(segments: readonly string[], parts: readonly (readonly [RegExp, string])[]): string {
  for (const segment of segments.slice(0, -1).reverse()) {
    const found = parts.find(([pattern]) => pattern.test(segment))
    if (found !== undefined) return found[1]
  }
  return 'train'
}
