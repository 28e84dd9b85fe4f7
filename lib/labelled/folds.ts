// Cross-validation: one of several folds is tested on, the others are trained on. Cheng's set brings its folds along
// (cvind.mat); of any other, and without that file, they are drawn, with a patient in one fold only.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { walk } from '../datasets/walk.js'
import { GyrusError, invalidOption } from '../errors.js'
import type { LabelledSettings } from '../options/labelled.js'
import { isFigsharePicture, isFoldList, readFigshareFolds } from './figshare.js'
import type { LabelledSet } from './labelled-set.js'
import { drawFolds, knowsPatients, type Fold } from './split.js'

const usualFolds = 5

export interface FoldedSet {
  readonly set: LabelledSet
  /** Undefined unless the settings ask for one. */
  readonly fold: Fold | undefined
}

export async function foldOf(
  set: LabelledSet,
  settings: LabelledSettings,
  signal?: AbortSignal,
): Promise<FoldedSet> {
  const { fold: number, folds: asked } = settings
  if (number === undefined) {
    if (asked !== undefined) throw invalidOption('folds', 'left out, or given with a fold to test on', asked)
    return { set, fold: undefined }
  }
  if (set.parts.some((part) => part !== ''))
    throw invalidOption('fold', 'left out: the set has a split of its own', number)
  const given = await givenFolds(set, settings.data, signal)
  const count =
    given === undefined ? (asked ?? usualFolds) : given.reduce((most, own) => Math.max(most, own), 0)
  if (given !== undefined && asked !== undefined && asked !== count)
    throw invalidOption('folds', `left out: the set's cvind.mat has ${count} folds`, asked)
  if (number > count) throw invalidOption('fold', `one of 1 to ${count}`, number, 'range')
  const ofItems = given ?? drawFolds(set, count, settings.splitSeed)
  const whose = knowsPatients(set) ? 'patient by patient' : 'image by image'
  const how = given === undefined ? `folds are drawn ${whose}` : "folds are those of the set's cvind.mat"
  const note = `fold ${number} of ${count} is tested on; ${how}`
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([set.fingerprint, ofItems]))
    .digest('hex')
  return { set: { ...set, fingerprint }, fold: { isTested: ofItems.map((own) => own === number), note } }
}

/** Of each item the fold that the set's own list gives its picture; undefined where there is no list. */
async function givenFolds(
  set: LabelledSet,
  root: string,
  signal: AbortSignal | undefined,
): Promise<number[] | undefined> {
  if (!set.names.every(isFigsharePicture)) return undefined
  const list = (await walk(root, signal)).files.find(isFoldList)
  if (list === undefined) return undefined
  const folds = await readFigshareFolds(join(root, list))
  return set.names.map((name) => {
    const fold = folds[Number(/(\d+)\.mat$/i.exec(name)?.[1] ?? NaN) - 1]
    if (fold === undefined)
      throw new GyrusError(
        'ERR_GYRUS_FILE_FORMAT',
        `${join(root, list)} has the folds of pictures 1 to ${folds.length}, and ${name} is none of them: rename it, ` +
          'or take the list away to have folds drawn',
      )
    return fold
  })
}
