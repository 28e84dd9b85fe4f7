// Cheng's brain tumour set (figshare): 3064 .mat files, each with its image, label, patient and mask. The files
// say whose they are, so they are all opened to find out.
import { join } from 'node:path'
import { callEngine } from '../call.js'
import { GyrusError, throwIfAborted } from '../errors.js'
import { native, type FigshareImage } from '../native.js'
import { faultOfFile, type FoundImage, type FoundSet, type Unreadable } from './found.js'

/** In the order of the files' numbers, 1 first. */
const names = ['meningioma', 'glioma', 'pituitary'] as const
const folds = /(^|\/)cvind\.mat$/i // which fold each picture is in: no picture

let last: Promise<unknown> = Promise.resolve()

/** One after the other: the engine takes no more than two such calls at once. */
export function readFigshare(path: string): Promise<FigshareImage> {
  const next = last.then(() => callEngine(readFigshare, undefined, () => native().readFigshare(path)))
  last = next.catch(() => undefined)
  return next
}

/** The fold of each picture, by its number less 1, as the set's cvind.mat has it. */
export async function readFigshareFolds(path: string): Promise<Int32Array> {
  return callEngine(readFigshareFolds, undefined, () => native().readFigshareFolds(path))
}

export function isFoldList(file: string): boolean {
  return folds.test(file)
}

export function isFigsharePicture(file: string): boolean {
  return /\.mat$/i.test(file) && !folds.test(file)
}

/** `files`: all that is below the root. A file that cannot be read has no class: it is listed apart. */
export async function findFigshare(
  root: string,
  files: readonly string[],
  signal?: AbortSignal,
): Promise<FoundSet> {
  const images: FoundImage[] = []
  const unreadable: Unreadable[] = []
  for (const path of files.filter(isFigsharePicture)) {
    throwIfAborted(signal)
    try {
      const { label, patient } = await readFigshare(join(root, path))
      images.push({ path, label: names[label - 1] ?? '', part: '', patient })
    } catch (error) {
      unreadable.push({ path, message: faultOfFile(error).message })
    }
  }
  const classes = [...new Set(images.map(({ label }) => label))].sort()
  if (classes.length < 2 && unreadable.length === 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${root} holds ${images.length} .mat files, all of the class ${classes[0] ?? '(none)'}, and two classes are ` +
        'needed',
    )
  const foreign = files.filter((file) => !isFigsharePicture(file) && !folds.test(file))
  const warnings =
    foreign.length === 0
      ? []
      : [`${foreign.length} files beside the .mat files are left out, ${foreign[0]} first`]
  return { form: 'figshare', images, classes, unreadable, warnings }
}
