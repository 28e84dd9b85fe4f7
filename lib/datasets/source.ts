// What an adapter says of an archive: which files hold volumes, whose and of what kind they are, and what it left out.

export const datasetNames = ['fastmri', 'oasis3', 'ixi', 'brats21', 'folder'] as const
export type DatasetName = (typeof datasetNames)[number]

export type SourceFormat = 'nifti' | 'fastmri' | 'npy' | 'image'

/** One file that holds a volume (or, in a plain folder, an image). */
export interface VolumeSource {
  readonly dataset: DatasetName
  /** Unique within the dataset, never ''. fastMRI: the scan; the person is named inside the file (`patient_id`). */
  readonly subject: string
  /** '' where the archive knows none. */
  readonly session: string
  /** 't1', 't1ce', 't2', 'flair', 'pd', 't2star', 'mra', 'dti' or 'unknown'. */
  readonly contrast: string
  /** The archive's own split: 'train', 'val', 'test', or '' where it has none. */
  readonly part: string
  /** The folder as it was given. */
  readonly root: string
  /** Below the root, with '/'. */
  readonly path: string
  readonly format: SourceFormat
  readonly bytes: number
  /** Rows and columns of a .npy file that holds one slice, once its head was read. */
  readonly slice?: readonly [number, number]
}

/** Why a file or folder was left out before anything was opened. */
export type SkipReason =
  | 'not-anatomical'
  | 'segmentation'
  | 'held-out'
  | 'contrast-excluded'
  /** The same volume lies beside it unpacked. */
  | 'duplicate-format'
  /** Found before, below another root or through a link. */
  | 'same-file'
  /** A volume by its name that no archive's adapter knows, or of a format that is not read. */
  | 'unrecognised'
  | 'broken-link'
  /** A pipe, a socket or a device that has a volume's name. */
  | 'no-file'
  /** Slices that another run of curation wrote below the root. */
  | 'curated'
  | 'unreadable-folder'
  /** A folder, or what may be a volume: its path holds replacement characters. */
  | 'name-not-utf8'

/** What a caller would have had considered: a run that left it out has failed in this. What to tell of its path. */
export const losses: Partial<Record<SkipReason, (path: string) => string>> = {
  'unreadable-folder': (path) => `the folder ${path} cannot be listed: check its permissions`,
  'name-not-utf8': (path) =>
    `${path} has a name that is not UTF-8, shown with \ufffd where it is not: rename it`,
}

/** A file or folder that was left out. */
export interface SkippedFile {
  readonly dataset: DatasetName
  readonly root: string
  readonly path: string
  readonly reason: SkipReason
}

export interface Discovery {
  readonly dataset: DatasetName
  readonly root: string
  readonly volumes: readonly VolumeSource[]
  readonly skipped: readonly SkippedFile[]
}
