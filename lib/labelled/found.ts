// What a set of labelled images is before anybody has looked into the images: which files, which classes, whose, and in
// which part of the set's own split.

import { isGyrusError, type ErrorCode } from '../errors.js'

export type Part = 'train' | 'val' | 'test'

export interface FoundImage {
  /** Below the set's folder, with '/'. */
  readonly path: string
  /** The class's name. */
  readonly label: string
  /** In the set's own split; '' where it has none. */
  readonly part: Part | ''
  /** '' where the set does not say. */
  readonly patient: string
}

export interface Unreadable {
  /** Below the set's folder. */
  readonly path: string
  readonly message: string
}

export interface FoundSet {
  readonly form: 'class-folder' | 'figshare'
  readonly images: readonly FoundImage[]
  /** Sorted: a class's number is its place here. */
  readonly classes: readonly string[]
  /** Files that should be images of the set, but whose class cannot even be told. */
  readonly unreadable: readonly Unreadable[]
  readonly warnings: readonly string[]
}

const faults: readonly ErrorCode[] = [
  'ERR_GYRUS_FILE_NOT_FOUND',
  'ERR_GYRUS_FILE_IO',
  'ERR_GYRUS_FILE_FORMAT',
  'ERR_GYRUS_SHAPE',
  'ERR_GYRUS_DTYPE',
  'ERR_GYRUS_NAME',
  'ERR_GYRUS_NON_FINITE',
]

/** An error that is the file's fault. Any other is thrown: it says nothing about the file. */
export function faultOfFile(error: unknown): Error {
  if (isGyrusError(error) && faults.includes(error.code)) return error
  throw error
}
