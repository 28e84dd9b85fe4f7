// A folder for each class, with or without folders for the parts of a split above them: Training/glioma/*.jpg,
// train/0/*.png, glioma/*.jpg. Class numbers follow the sorted names, as torchvision's ImageFolder has it.
import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { walk } from '../datasets/walk.js'
import { GyrusError } from '../errors.js'
import type { FoundImage, FoundSet, Part } from './found.js'

const partNames: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
  testing: 'test',
}
const image = /\.(jpe?g|png)$/i

export async function findClassFolder(root: string, signal?: AbortSignal): Promise<FoundSet> {
  const { files } = await walk(root, signal)
  const tops = await foldersOf(root)
  const parts = tops.filter((name) => partNames[name.toLowerCase()] !== undefined)
  const hasParts = parts.length > 0
  if (hasParts && parts.length < tops.length)
    throw wrong(
      root,
      `beside ${parts.join(', ')} it has ${tops.filter((name) => !parts.includes(name)).join(', ')}`,
    )
  const images: FoundImage[] = []
  const foreign: string[] = []
  for (const file of files) {
    const names = file.split('/')
    const label = names[hasParts ? 1 : 0]
    if (names.length < (hasParts ? 3 : 2) || label === undefined || !image.test(file)) {
      foreign.push(file)
      continue
    }
    const part = hasParts ? (partNames[(names[0] ?? '').toLowerCase()] ?? '') : ''
    images.push({ path: join(root, file), label, part, patient: '' })
  }
  const folders = hasParts
    ? (
        await Promise.all(
          parts.map(async (part) => (await foldersOf(join(root, part))).map((name) => `${part}/${name}`)),
        )
      ).flat()
    : tops
  const classes = [...new Set(folders.map((folder) => folder.split('/').at(-1) ?? folder))].sort()
  if (classes.length < 2)
    throw wrong(
      root,
      `it has ${classes.length} class folders (${classes.join(', ') || 'none'}), and two are needed`,
    )
  const empty = folders.filter(
    (folder) => !files.some((file) => file.startsWith(`${folder}/`) && image.test(file)),
  )
  if (empty.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${root}: no JPEG or PNG image is in ${empty.join(', ')}: fill the folder, or remove it`,
    )
  const lone = classes.filter(
    (name) => hasParts && folders.filter((folder) => folder.endsWith(`/${name}`)).length < parts.length,
  )
  if (lone.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${root}: ${lone.map((name) => `'${name}'`).join(', ')} ${lone.length === 1 ? 'is' : 'are'} not in all of ` +
        `${parts.join(', ')}: every class must be in every part of the split, under one name`,
    )
  const warnings =
    foreign.length === 0
      ? []
      : [`${foreign.length} files are no images in a class folder and are left out, ${foreign[0]} first`]
  return { form: 'class-folder', images, classes, warnings }
}

async function foldersOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
}

function wrong(root: string, what: string): GyrusError {
  return new GyrusError(
    'ERR_GYRUS_FILE_FORMAT',
    `${root} is no folder of classes: ${what}; it should hold a folder of images for each class, or such folders ` +
      'below train (Training), val and test (Testing)',
  )
}
