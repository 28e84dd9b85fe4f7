// A folder for each class, with or without folders for the parts of a split above them: Training/glioma/*.jpg,
// train/0/*.png, glioma/*.jpg. Class numbers follow the sorted names, as torchvision's ImageFolder has it.
import { join } from 'node:path'
import { readdir, stat } from 'node:fs/promises'
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
  const { files, unreadable } = await walk(root, signal)
  if (unreadable.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_IO',
      `${root}: ${unreadable.map((name) => (name === '' ? 'the folder itself' : name)).join(', ')} cannot be ` +
        'read: check its permissions',
    )
  const tops = await foldersOf(root)
  const parts = tops.filter((name) => partOf(name) !== undefined)
  const others = tops.filter((name) => partOf(name) === undefined)
  const hasParts = parts.length > 0
  if (hasParts && others.length > 0)
    throw wrong(root, `beside ${parts.join(', ')} it has ${others.join(', ')}`)
  const images: FoundImage[] = []
  const foreign: string[] = []
  for (const file of files) {
    const names = file.split('/')
    const label = names[hasParts ? 1 : 0]
    if (names.length < (hasParts ? 3 : 2) || label === undefined || !image.test(file)) foreign.push(file)
    else images.push({ path: file, label, part: hasParts ? (partOf(names[0]) ?? '') : '', patient: '' })
  }
  const folders = hasParts ? await foldersBelow(root, parts) : tops
  const classes = [...new Set(folders.map((folder) => folder.split('/').at(-1) ?? folder))].sort()
  if (classes.length < 2) throw wrong(root, await tooFew(root, classes))
  checkFolders(root, folders, images)
  if (hasParts) checkParts(root, folders, parts, classes)
  return { form: 'class-folder', images, classes, unreadable: [], warnings: tellForeign(foreign) }
}

function partOf(name: string | undefined): Part | undefined {
  return partNames[(name ?? '').toLowerCase()]
}

/** Where labelled images were looked for and something else is; undefined when there is nothing of the kind. */
function tellForeign([first, ...rest]: readonly string[]): string[] {
  if (first === undefined) return []
  return [
    rest.length === 0
      ? `${first} is no JPEG or PNG image in a class folder and is left out`
      : `${rest.length + 1} files are no JPEG or PNG images in a class folder and are left out, ${first} first`,
  ]
}

function checkFolders(root: string, folders: readonly string[], images: readonly FoundImage[]): void {
  const empty = folders.filter((folder) => !images.some(({ path }) => path.startsWith(`${folder}/`)))
  if (empty.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${root}: no JPEG or PNG image is in ${empty.join(', ')}: fill the folder, or remove it`,
    )
}

function checkParts(
  root: string,
  folders: readonly string[],
  parts: readonly string[],
  classes: readonly string[],
): void {
  const lone = classes.filter((name) => parts.some((part) => !folders.includes(`${part}/${name}`)))
  if (lone.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${root}: ${lone.map((name) => `'${name}'`).join(', ')} ${lone.length === 1 ? 'is' : 'are'} not in all of ` +
        `${parts.join(', ')}: every class must be in every part of the split, under one name`,
    )
}

async function foldersBelow(root: string, parts: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    parts.map(async (part) => (await foldersOf(join(root, part))).map((name) => `${part}/${name}`)),
  )
  return lists.flat()
}

async function foldersOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  const isFolder = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isSymbolicLink()) return entry.isDirectory()
      return (await stat(join(path, entry.name)).catch(() => undefined))?.isDirectory() === true
    }),
  )
  return entries
    .filter(({ name }, at) => isFolder[at] === true && !name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
}

/** One folder may be what an archive was unpacked into: then the set is a step further down. */
async function tooFew(root: string, classes: readonly string[]): Promise<string> {
  const [only] = classes
  const what = `it has ${classes.length} class folders (${only ?? 'none'}), and two are needed`
  const below = only === undefined ? [] : await foldersOf(join(root, only)).catch(() => [])
  return below.length >= 2 ? `${what} (is ${join(root, only ?? '')} meant?)` : what
}

function wrong(root: string, what: string): GyrusError {
  return new GyrusError(
    'ERR_GYRUS_FILE_FORMAT',
    `${root} is no folder of classes: ${what}; it should hold a folder of images for each class, or such folders ` +
      'below train (Training), val and test (Testing)',
  )
}
