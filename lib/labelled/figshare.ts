// Cheng's brain tumour set (figshare): 3064 .mat files, each with its image, label, patient and mask. The files
// say whose they are, so they are all opened to find out.
import { join } from 'node:path'
import { callEngine } from '../call.js'
import { walk } from '../datasets/walk.js'
import { GyrusError, throwIfAborted } from '../errors.js'
import { native, type FigshareImage } from '../native.js'
import type { FoundImage, FoundSet } from './found.js'

/** In the order of the files' numbers, 1 first. */
const names = ['meningioma', 'glioma', 'pituitary'] as const
const folds = /^cvind\.mat$/i // which fold each picture is in: no picture

export async function readFigshare(path: string): Promise<FigshareImage> {
  return callEngine(readFigshare, undefined, () => native().readFigshare(path))
}

export async function findFigshare(root: string, signal?: AbortSignal): Promise<FoundSet> {
  const { files } = await walk(root, signal)
  const pictures = files.filter((file) => /\.mat$/i.test(file) && !folds.test(file.split('/').at(-1) ?? ''))
  const images: FoundImage[] = []
  for (const file of pictures) {
    throwIfAborted(signal)
    const path = join(root, file)
    const { label, patient } = await readFigshare(path)
    images.push({ path, label: names[label - 1] ?? '', part: '', patient })
  }
  const classes = [...new Set(images.map(({ label }) => label))].sort()
  if (classes.length < 2)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${root} holds ${images.length} .mat files of ${classes.length} classes, and two are needed`,
    )
  return { form: 'figshare', images, classes, warnings: [] }
}
