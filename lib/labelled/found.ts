// What a set of labelled images is before anybody has looked into the images: which files, which classes, whose, and in
// which part of the set's own split.

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
