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
import { findDuplicates, thumbnailSize, type Duplicate } from './duplicates.js'
import { findFigshare } from './figshare.js'
import type { FoundSet } from './found.js'
import { labelCurated, type LabelledSet } from './labelled-set.js'
import { prepareImages } from './prepare.js'
import { splitSet, type Split } from './split.js'

export interface OpenedSet {
  readonly set: LabelledSet
  readonly split: Split
  readonly duplicates: readonly Duplicate[]
  readonly warnings: readonly string[]
}

export interface OpenSetOptions {
  /** Where shards of image files go, unless the settings name another folder. */
  readonly cache: string
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export async function openLabelled(settings: LabelledSettings, options: OpenSetOptions): Promise<OpenedSet> {
  const set = await readSet(settings, options)
  let split = splitSet(set, settings)
  const warnings = [...set.warnings, ...split.notes]
  const { threshold, action } = settings.duplicates
  let duplicates: Duplicate[] = []
  if (action !== 'ignore') {
    await using views = await ViewLoader.open({
      shards: set.shards,
      imageSize: thumbnailSize,
      mean: 0,
      std: 1,
    })
    duplicates = await findDuplicates(set, views, [...split.train, ...split.val], split.test, threshold)
  }
  if (duplicates.length > 0) {
    const [first] = duplicates
    warnings.push(
      `${duplicates.length} of ${split.test.length} test images are nearly in what is trained on as well ` +
        '(correlation of ' +
        `${threshold} and more): ${set.names[first?.test ?? 0]} and ${set.names[first?.train ?? 0]}, for one`,
    )
  }
  if (action === 'drop' && duplicates.length > 0) {
    const twins = new Set(duplicates.map(({ train }) => train))
    split = {
      ...split,
      train: split.train.filter((place) => !twins.has(place)),
      val: split.val.filter((place) => !twins.has(place)),
    }
    warnings.push(`their ${twins.size} twins are left out of training and validation`)
  }
  return { set, split, duplicates, warnings }
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

async function findImages(root: string, signal: AbortSignal | undefined): Promise<FoundSet> {
  const { files } = await walk(root, signal)
  return files.some((file) => /\.mat$/i.test(file))
    ? findFigshare(root, signal)
    : findClassFolder(root, signal)
}
