// Splits, fractions of labels, and pictures that are nearly on two sides of a split.
import { join } from 'node:path'
import t from 'tap'
import type { LabelledSet } from '../../lib/labelled/labelled-set.js'
import { openLabelled, type OpenedSet } from '../../lib/labelled/open.js'
import { drawFolds, splitSet, takeFraction } from '../../lib/labelled/split.js'
import { labelledSettings } from '../../lib/options/labelled.js'
import { parseOptions } from '../../lib/options/parse.js'
import { classNames, pattern, writeClassFolder, writeGrey } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'

const shares = { valFraction: 0.2, testFraction: 0.25, splitSeed: 0 }

interface Item {
  readonly label: number
  readonly part?: 'train' | 'val' | 'test'
  readonly patient?: string
}

/** A set without images: splitting needs none. */
function made(items: readonly Item[], classes = 2): LabelledSet {
  return {
    shards: [],
    classes: Array.from({ length: classes }, (_, label) => `class ${label}`),
    rows: Uint32Array.from(items.keys()),
    labels: Int32Array.from(items, ({ label }) => label),
    parts: items.map(({ part }) => part ?? ''),
    patients: items.map(({ patient }) => patient ?? ''),
    names: items.map((_, at) => `item ${at}`),
    fingerprint: '',
    warnings: [],
  }
}

const many = (count: number, item: (at: number) => Item): Item[] =>
  Array.from({ length: count }, (_, at) => item(at))

function countsOf(set: LabelledSet, places: readonly number[]): number[] {
  return set.classes.map((_, label) => places.filter((place) => set.labels[place] === label).length)
}

void t.test('a set without parts', (t) => {
  const set = made(many(100, (at) => ({ label: at < 80 ? 0 : 1 })))
  const split = splitSet(set, shares)
  t.same(countsOf(set, split.test), [20, 5], 'a share of each class')
  t.same(countsOf(set, split.val), [12, 3])
  t.same(countsOf(set, split.train), [48, 12])
  const all = [...split.train, ...split.val, ...split.test].sort((a, b) => a - b)
  t.same(all, [...set.labels.keys()], 'each item on one side')
  t.same(splitSet(set, shares), split)
  t.notSame(splitSet(set, { ...shares, splitSeed: 1 }).test, split.test)
  t.same(splitSet(set, { ...shares, valFraction: 0 }).val, [])
  t.end()
})

void t.test('folds: every patient in one, every class in each, as evenly as it goes', (t) => {
  const set = made(
    many(120, (at) => ({ label: at < 80 ? 0 : 1, patient: `p${Math.floor(at / 3) % 37}-${at < 80}` })),
  )
  const folds = drawFolds(set, 5, 0)
  t.same(drawFolds(set, 5, 0), folds)
  t.notSame(drawFolds(set, 5, 1), folds)
  const patients = new Map(set.patients.map((patient, at) => [patient, folds[at]]))
  t.ok(set.patients.every((patient, at) => patients.get(patient) === folds[at]))
  for (let fold = 1; fold <= 5; fold += 1) {
    const own = [...folds.keys()].filter((at) => folds[at] === fold)
    const [first = 0, second = 0] = countsOf(set, own)
    t.ok(Math.abs(first - 16) <= 4 && Math.abs(second - 8) <= 3, `${first} and ${second}`)
    const isTested = folds.map((other) => other === fold)
    const split = splitSet(set, shares, { isTested, note: 'as told' })
    t.same(split.test, own)
    t.equal(split.train.length + split.val.length + split.test.length, 120)
    t.equal(split.notes[0], 'as told')
  }
  t.end()
})

void t.test("the set's own parts go before drawing", (t) => {
  const parts = ['train', 'val', 'test'] as const
  const own = made(many(60, (at) => ({ label: at % 2, part: parts[at % 3] ?? 'train' })))
  const split = splitSet(own, shares)
  t.same([split.train.length, split.val.length, split.test.length, split.notes], [20, 20, 20, []])
  t.ok(split.val.every((place) => own.parts[place] === 'val'))
  const two = made(many(60, (at) => ({ label: at % 2, part: at < 40 ? 'train' : 'val' })))
  const tested = splitSet(two, shares)
  t.ok(tested.test.length === 20 && tested.test.every((place) => two.parts[place] === 'val'))
  t.equal(tested.val.length, 8, 'drawn from train')
  t.match(tested.notes[0], /has train and val but no test: its val is tested on/)
  const lone = made(many(20, (at) => ({ label: at % 2, part: at < 10 ? 'test' : 'val' })))
  t.throws(() => splitSet(lone, shares), { code: 'ERR_GYRUS_FILE_FORMAT', message: /but no train: add/ })
  const poor = made([
    ...many(10, () => ({ label: 0, part: 'train' as const })),
    { label: 1, part: 'train' },
    ...many(4, (at) => ({ label: at % 2, part: 'test' as const })),
  ])
  t.throws(() => splitSet(poor, shares), { message: /no validation image of the class class 1 is there/ })
  t.end()
})

void t.test('patients stay together', (t) => {
  // Patients have 1 to 5 images, some of both classes.
  const items = Array.from({ length: 40 }, (_, patient) => patient).flatMap((patient) => {
    const label = patient % 2
    return many(1 + (patient % 5), (image) => ({
      label: image === 4 ? 1 - label : label,
      patient: `p${patient}`,
    }))
  })
  const set = made(items)
  const { train, val, test, notes } = splitSet(set, shares)
  const sides = [train, val, test].map((places) => new Set(places.map((place) => set.patients[place])))
  t.equal(
    sides.reduce((sum, { size }) => sum + size, 0),
    40,
  )
  t.equal(train.length + val.length + test.length, items.length)
  t.ok(Math.abs(test.length / items.length - 0.25) < 0.08, `${test.length} of ${items.length}`)
  t.match(notes[0], /patient by patient/)
  // One patient with most of the images, and many with one.
  const lump = made(many(80, (at) => ({ label: at % 2, patient: at < 40 ? 'much' : `p${at}` })))
  for (let splitSeed = 0; splitSeed < 8; splitSeed += 1) {
    const { length } = splitSet(lump, { ...shares, testFraction: 0.1, splitSeed }).test
    t.equal(length, 8, 'a tenth')
  }
  const shared = made([
    ...many(8, (at) => ({ label: at % 2, part: 'train' as const, patient: `p${at}` })),
    ...many(4, (at) => ({ label: at % 2, part: 'test' as const, patient: `p${at === 0 ? 0 : at + 20}` })),
  ])
  t.match(splitSet(shared, shares).notes.join(), /1 patients are on both sides .* p0 first/)
  t.end()
})

void t.test('fractions are nested, and take as much of each class', (t) => {
  const set = made(
    many(130, (at) => ({ label: at < 100 ? 0 : at < 129 ? 1 : 2 })),
    3,
  )
  const train = [...set.labels.keys()].filter((place) => place % 10 !== 0 || place > 120)
  const [all, half, tenth, least] = [1, 0.5, 0.1, 0.001].map((fraction) =>
    takeFraction(set, train, fraction, 3),
  )
  t.same(all, train)
  t.same(countsOf(set, half ?? []), [45, 13, 1])
  t.same(countsOf(set, tenth ?? []), [9, 3, 1])
  t.same(countsOf(set, least ?? []), [1, 1, 1], 'one of each class at least')
  t.ok(least?.every((place) => tenth?.includes(place)) && tenth?.every((place) => half?.includes(place)))
  t.same(
    half,
    [...(half ?? [])].sort((a, b) => a - b),
  )
  t.notSame(takeFraction(set, train, 0.5, 4), half, 'another seed takes others')
  t.throws(() => takeFraction(set, train, 0, 0), RangeError)
  t.end()
})

const size = 40

function open(root: string, duplicates: object = {}, more: object = {}): Promise<OpenedSet> {
  const given = { data: join(root, 'set'), sliceSize: size, valFraction: 0.25, duplicates, ...more }
  return openLabelled(parseOptions(labelledSettings, 'test', given), { cache: join(root, 'cache') })
}

function mirrored(pixels: Uint8Array): Uint8Array {
  return pixels.map((_, at) => pixels[at - (at % size) + (size - 1 - (at % size))] ?? 0)
}

void t.test('near-duplicates across the split', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { train: 8, test: 3 } })
  const at = (...names: string[]): string => join(root, 'set', ...names)
  t.same((await open(root)).duplicates, [], 'patterns of one class are not the same picture')
  // Brighter and a little noisier than test/glioma/0, twice; and the mirror image of test/notumor/1.
  const twin = pattern(0, size, 'test', 0).map((value, pixel) =>
    Math.min(255, 0.8 * value + 40 + (pixel % 3)),
  )
  await writeGrey(at('train', 'glioma', '3.jpg'), twin, size)
  await writeGrey(at('train', 'glioma', '4.jpg'), twin, size)
  await writeGrey(at('train', 'notumor', '5.jpg'), mirrored(pattern(2, size, 'test', 1)), size)
  const { set, split, duplicates, warnings } = await open(root)
  t.same(
    duplicates.map(({ of, isMirrored }) => [set.names[of], isMirrored]),
    [
      ['test/glioma/0.png', false],
      ['test/notumor/1.png', true],
    ],
  )
  t.match(set.names[duplicates[0]?.place ?? 0], /^train\/glioma\/[34]\.jpg$/)
  t.equal(set.names[duplicates[1]?.place ?? 0], 'train/notumor/5.jpg')
  t.ok(
    warnings.some((line) => line.startsWith('2 of 9 test images are nearly in what is trained on as well')),
  )
  const dropped = await open(root, { action: 'drop' })
  const kept = [...dropped.split.train, ...dropped.split.val].map((place) => set.names[place])
  t.equal(kept.length, split.train.length + split.val.length - 3)
  t.notOk(
    kept.some((name) => /(glioma\/[34]|notumor\/5)\.jpg/.test(name ?? '')),
    'both twins of the one image are gone',
  )
  t.same(dropped.split.test, split.test)
  t.ok(dropped.warnings.includes('3 twins are left out of training and validation'))
  t.same((await open(root, { action: 'ignore' })).duplicates, [])
  t.same((await open(root, { threshold: 1 })).duplicates, [], 'nothing is more than the same')
})

void t.test('near-duplicates of validation and training; even pictures; nothing left', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { train: 6, val: 2, test: 2 } })
  const at = (...names: string[]): string => join(root, 'set', ...names)
  await writeGrey(at('val', 'glioma', '9.png'), pattern(0, size, 'train', 2), size)
  for (const [part, level] of [
    ['train', 90],
    ['test', 150],
  ] as const)
    await writeGrey(at(part, 'glioma', 'even.png'), new Uint8Array(size ** 2).fill(level), size)
  const { duplicates, warnings } = await open(root)
  t.same(duplicates, [], 'even pictures are like nothing')
  t.same(warnings, [
    '1 of 7 validation images are nearly in the training as well (correlation of 0.99 and more): ' +
      'val/glioma/9.png and train/glioma/2.png, for one',
  ])
  for (let file = 0; file < 6; file += 1)
    await writeGrey(at('train', 'notumor', `${file}.png`), pattern(2, size, 'test', 0), size)
  const error = await rejection(t, open(root, { action: 'drop' }), 'ERR_GYRUS_FILE_FORMAT')
  t.match(error.message, new RegExp(`no train image of the class ${classNames[2]} is left when`))
})
