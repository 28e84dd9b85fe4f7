// From what a caller named (a folder of classes, Cheng's set, a curated folder with labels) to labelled items,
// split, with what was found suspicious.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { walk } from '../datasets/walk.js'
import { GyrusError, invalidOption } from '../errors.js'
import type { LabelledSettings } from '../options/labelled.js'
import { readCurated } from '../slices/curated.js'
import { ViewLoader } from '../view-loader.js'
import { findClassFolder } from './class-folder.js'
import { findTwins, thumbnailsOf, thumbnailSize, type Twin } from './duplicates.js'
import { findFigshare, isFigsharePicture } from './figshare.js'
import { foldOf } from './folds.js'
import type { FoundSet } from './found.js'
import { labelCurated, type LabelledSet } from './labelled-set.js'
import { prepareImages } from './prepare.js'
import { checkClasses, splitSet, type Split } from './split.js'

export interface OpenedSet {
  readonly set: LabelledSet
  readonly split: Split
  /** Test images that are nearly in what is trained on as well, with the nearest there. */
  readonly duplicates: readonly Twin[]
  readonly warnings: readonly string[]
}

export interface OpenSetOptions {
  /** Where shards of image files go, unless the settings name another folder. */
  readonly cache: string
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export async function openLabelled(settings: LabelledSettings, options: OpenSetOptions): Promise<OpenedSet> {
  const { set, fold } = await foldOf(await readSet(settings, options), settings, options.signal)
  const split = splitSet(set, settings, fold)
  if (settings.duplicates.action === 'ignore')
    return { set, split, duplicates: [], warnings: [...set.warnings, ...split.notes] }
  const found = await withoutTwins(set, split, settings.duplicates, options.signal)
  return { set, ...found, warnings: [...set.warnings, ...split.notes, ...found.warnings] }
}

/** All items, on no side of any split. */
export async function openUnsplit(settings: LabelledSettings, options: OpenSetOptions): Promise<LabelledSet> {
  return readSet(settings, options)
}

async function withoutTwins(
  set: LabelledSet,
  split: Split,
  { threshold, action }: LabelledSettings['duplicates'],
  signal: AbortSignal | undefined,
): Promise<Omit<OpenedSet, 'set'>> {
  const shards = { shards: set.shards, imageSize: thumbnailSize, mean: 0, std: 1 }
  await using views = await ViewLoader.open(shards)
  const train = await thumbnailsOf(set, views, split.train, signal)
  const val = await thumbnailsOf(set, views, split.val, signal)
  const test = await thumbnailsOf(set, views, split.test, signal)
  const both = await thumbnailsOf(set, views, [...split.train, ...split.val], signal)
  const ofTest = await findTwins(both, test, threshold, signal)
  const ofVal = await findTwins(train, val, threshold, signal)
  const name = (place: number | undefined): string => set.names[place ?? 0] ?? ''
  const tell = (twins: readonly Twin[], count: number, side: string, where: string): string[] => {
    const [first] = twins
    if (first === undefined) return []
    const pair = `${name(first.of)} and ${name(first.place)}${first.isMirrored ? ', mirrored' : ''}, for one`
    return [
      `${twins.length} of ${count} ${side} images are nearly in ${where} as well (correlation of ${threshold} ` +
        `and more): ${pair}`,
    ]
  }
  const warnings = [
    ...tell(ofTest, split.test.length, 'test', 'what is trained on'),
    ...tell(ofVal, split.val.length, 'validation', 'the training'),
  ]
  if (action !== 'drop' || ofTest.length + ofVal.length === 0) return { split, duplicates: ofTest, warnings }
  // Every one that is near an image of the test, or of the validation, not the nearest alone.
  const lost = new Set([
    ...(await findTwins(test, both, threshold, signal)).map(({ of }) => of),
    ...(await findTwins(val, train, threshold, signal)).map(({ of }) => of),
  ])
  const kept = (places: readonly number[]): number[] => places.filter((place) => !lost.has(place))
  const rest = { ...split, train: kept(split.train), val: kept(split.val) }
  warnings.push(`${lost.size} twins are left out of training and validation`)
  checkClasses(
    set,
    { train: rest.train, ...(split.val.length > 0 ? { validation: rest.val } : {}) },
    'is left when the near-duplicates are dropped: raise duplicates.threshold, or report them only ' +
      '(duplicates.action)',
  )
  return { split: rest, duplicates: ofTest, warnings }
}

async function readSet(settings: LabelledSettings, options: OpenSetOptions): Promise<LabelledSet> {
  const { data, labels } = settings
  const info = await stat(data).catch(() => undefined)
  if (info?.isDirectory() !== true)
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `there is no folder ${data}: check the path`)
  const isCurated = (await stat(join(data, 'curation.json')).catch(() => undefined)) !== undefined
  if (isCurated) {
    if (labels === undefined)
      throw invalidOption('labels', 'given (a CSV file) with a curated folder', undefined)
    return labelCurated(await readCurated(data), labels)
  }
  if (labels !== undefined)
    throw invalidOption('labels', 'left out: the folder names its classes, it was not curated', labels)
  return prepareImages(await findImages(data, options.signal), {
    folder: settings.cache ?? options.cache,
    root: data,
    size: settings.sliceSize,
    fit: settings.fit,
    skipsUnreadable: settings.skipUnreadable,
    signal: options.signal,
    onProgress: options.onProgress,
  })
}

/** Cheng's set if most of the files are his, else a folder of classes. */
async function findImages(root: string, signal: AbortSignal | undefined): Promise<FoundSet> {
  const { files, misnamed } = await walk(root, signal)
  const lost = misnamed.filter(({ path, isFolder }) => isFolder || /\.(jpe?g|png|mat)$/i.test(path))
  if (lost.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `${root}: ${lost.map(({ path }) => path).join(', ')} have names that are not UTF-8, shown with \ufffd where ` +
        'they are not: rename them',
    )
  const matrices = files.filter(isFigsharePicture).length
  const pictures = files.filter((file) => /\.(jpe?g|png)$/i.test(file)).length
  return matrices > pictures ? findFigshare(root, files, signal) : findClassFolder(root, signal)
}
