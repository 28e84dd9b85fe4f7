// Which items are trained on, validated on and tested on. A patient is on one side only, wherever patients are known;
// where they are not, an image is all that can be kept together. The set's own split goes before drawing.
import { GyrusError, invalidOption } from '../errors.js'
import { Random } from '../random.js'
import type { LabelledSet } from './labelled-set.js'

export interface Split {
  /** Places in the set's lists, rising. */
  readonly train: readonly number[]
  readonly val: readonly number[]
  readonly test: readonly number[]
  /** How it came about, in words. */
  readonly notes: readonly string[]
}

export interface SplitOptions {
  readonly valFraction: number
  readonly testFraction: number
  readonly splitSeed: number
}

/** What is tested on, where that is one of several folds. */
export interface Fold {
  /** Of each item. */
  readonly isTested: readonly boolean[]
  /** How it came about, in words. */
  readonly note: string
}

export function splitSet(set: LabelledSet, options: SplitOptions, fold?: Fold): Split {
  const places = [...set.labels.keys()]
  const part = (name: string): number[] => places.filter((place) => set.parts[place] === name)
  const notes: string[] = []
  const [hasTest, hasVal] = [part('test').length > 0, part('val').length > 0]
  let train = places
  let val: number[] = []
  let test: number[]
  if (hasTest || hasVal) {
    train = part('train')
    if (train.length === 0)
      throw new GyrusError(
        'ERR_GYRUS_FILE_FORMAT',
        `the set has ${[...new Set(set.parts)].join(' and ')} but no train: add a folder train, or name a folder ` +
          'without such parts to have it split',
      )
    test = hasTest ? part('test') : part('val')
    if (hasTest) val = part('val')
    else
      notes.push(
        'the set has train and val but no test: its val is tested on, and validation is drawn from train',
      )
  } else if (fold !== undefined) {
    test = places.filter((place) => fold.isTested[place] === true)
    train = places.filter((place) => fold.isTested[place] !== true)
    notes.push(fold.note)
  } else {
    ;({ drawn: test, rest: train } = drawGroups(set, train, options.testFraction, [
      options.splitSeed,
      'test',
    ]))
    notes.push(
      `${percent(options.testFraction)} of each class is drawn for the test, ${unit(set)} by ${unit(set)}`,
    )
  }
  if (val.length === 0 && options.valFraction > 0) {
    ;({ drawn: val, rest: train } = drawGroups(set, train, options.valFraction, [options.splitSeed, 'val']))
    notes.push(
      `${percent(options.valFraction)} of what is trained on is drawn for validation, ${unit(set)} by ${unit(set)}`,
    )
  }
  const shared = sharedPatients(set, [...train, ...val], test)
  if (shared.length > 0)
    notes.push(`${shared.length} patients are on both sides of the set's own split, ${shared[0]} first`)
  checkClasses(set, { train, test, ...(val.length + options.valFraction > 0 ? { validation: val } : {}) })
  return { train, val, test, notes }
}

/**
 * The first of each class's items in an order that is drawn: a smaller fraction is part of a larger one, and every
 * class keeps one at least.
 */
export function takeFraction(
  set: LabelledSet,
  train: readonly number[],
  fraction: number,
  seed: number,
): number[] {
  if (!(fraction > 0 && fraction <= 1))
    throw invalidOption('labelFraction', 'above 0 and at most 1', fraction, 'range')
  if (fraction === 1) return [...train]
  return set.classes
    .flatMap((_, label) => {
      const own = shuffled(
        train.filter((place) => set.labels[place] === label),
        new Random(seed, 'fraction', label),
      )
      return own.slice(0, Math.max(1, Math.round(fraction * own.length)))
    })
    .sort((a, b) => a - b)
}

const percent = (share: number): string => `${Math.round(100 * share)} %`
const unit = (set: LabelledSet): string => (knowsPatients(set) ? 'patient' : 'image')

export function knowsPatients(set: LabelledSet): boolean {
  return set.patients.every((patient) => patient !== '')
}

/** Draws groups (patients, or images) class by class as near as they come to a share of the class's items. */
function drawGroups(
  set: LabelledSet,
  from: readonly number[],
  share: number,
  words: readonly (string | number)[],
): { drawn: number[]; rest: number[] } {
  const groups = groupsOf(set, from)
  const drawn = new Set<number>()
  set.classes.forEach((_, label) => {
    const isOwn = (place: number): boolean => set.labels[place] === label
    const wanted = share * from.filter(isOwn).length
    let have = [...drawn].filter(isOwn).length
    const own = shuffled(
      groups.filter((group) => labelOf(set, group) === label),
      new Random(...words, label),
    )
    const take = (group: readonly number[]): void => {
      for (const place of group) drawn.add(place)
      have += group.filter(isOwn).length
    }
    // One group at least stays behind. One that would miss the share by more is passed over.
    const choice = own.slice(0, -1)
    for (const group of choice) {
      const more = group.filter(isOwn).length
      if (Math.abs(have + more - wanted) < Math.abs(have - wanted)) take(group)
    }
    const [least] = [...choice].sort((one, other) => one.length - other.length)
    if (have === 0 && least !== undefined) take(least)
  })
  return {
    drawn: from.filter((place) => drawn.has(place)),
    rest: from.filter((place) => !drawn.has(place)),
  }
}

/**
 * Of each item its fold, from 1 to `count`: patients (images, where nobody knows them) of each class in a drawn order,
 * the largest first, each into the fold that has the fewest images of that class, and of these the fewest in all.
 */
export function drawFolds(set: LabelledSet, count: number, seed: number): number[] {
  const folds = Array.from(set.labels, () => 0)
  const groups = groupsOf(set, [...set.labels.keys()])
  const total = new Array<number>(count).fill(0)
  set.classes.forEach((_, label) => {
    const own = shuffled(
      groups.filter((group) => labelOf(set, group) === label),
      new Random(seed, 'folds', label),
    ).sort((one, other) => other.length - one.length)
    const ofClass = new Array<number>(count).fill(0)
    for (const group of own) {
      const load = (fold: number): number => (ofClass[fold] ?? 0) * set.labels.length + (total[fold] ?? 0)
      const least = ofClass.reduce((best, _, fold) => (load(fold) < load(best) ? fold : best), 0)
      for (const place of group) folds[place] = least + 1
      ofClass[least] = (ofClass[least] ?? 0) + group.length
      total[least] = (total[least] ?? 0) + group.length
    }
  })
  return folds
}

/** A patient's items, or one item where patients are not known. */
function groupsOf(set: LabelledSet, from: readonly number[]): number[][] {
  const isByPatient = knowsPatients(set)
  const groups = new Map<string, number[]>()
  for (const place of from) {
    const name = isByPatient ? (set.patients[place] ?? '') : String(place)
    const own = groups.get(name)
    if (own === undefined) groups.set(name, [place])
    else own.push(place)
  }
  return [...groups.values()]
}

/** The class of most of a group's items. */
function labelOf(set: LabelledSet, group: readonly number[]): number {
  const counts = set.classes.map((_, label) => group.filter((place) => set.labels[place] === label).length)
  return counts.indexOf(Math.max(...counts))
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const keyed = items.map((item) => ({ item, key: random.unit() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

function sharedPatients(set: LabelledSet, one: readonly number[], other: readonly number[]): string[] {
  const names = new Set(one.map((place) => set.patients[place] ?? ''))
  return [...new Set(other.map((place) => set.patients[place] ?? ''))].filter(
    (name) => name !== '' && names.has(name),
  )
}

const tooFew =
  'is there: there are too few images or patients of it; add some, or change valFraction, testFraction or splitSeed'

/** Every class must be on every side; `why`: what else it would take, behind the name of the class. */
export function checkClasses(
  set: LabelledSet,
  sides: Readonly<Record<string, readonly number[]>>,
  why = tooFew,
): void {
  for (const [side, places] of Object.entries(sides)) {
    const missing = set.classes.filter((_, label) => !places.some((place) => set.labels[place] === label))
    if (missing.length > 0)
      throw new GyrusError(
        'ERR_GYRUS_FILE_FORMAT',
        `no ${side} image of the class ${missing.join(', ')} ${why}`,
      )
  }
}
