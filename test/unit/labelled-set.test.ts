// From labelled files to shards and a split: what is made, what is reused, what is told, what is left out.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLabelled, openUnsplit, type OpenedSet } from '../../lib/labelled/open.js'
import { labelledSettings } from '../../lib/options/labelled.js'
import { parseOptions } from '../../lib/options/parse.js'
import { headerBytes } from '../../lib/slices/shard-writer.js'
import { latin1Path } from '../support/files.js'
import { pattern, writeClassFolder, writeGrey, writeMat } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'
import { writeCurated } from '../support/shards.js'

const size = 40

function open(
  root: string,
  more: object = {},
  run: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<OpenedSet> {
  const given = { data: join(root, 'set'), sliceSize: size, ...more }
  return openLabelled(parseOptions(labelledSettings, 'test', given), { cache: join(root, 'cache'), ...run })
}

/** The first pixels of each row of the only shard. */
function heads(root: string): number[] {
  const bytes = readFileSync(join(root, 'cache', 'slices-00000.npy'))
  const rows = (bytes.length - headerBytes) / (2 * size ** 2)
  return Array.from({ length: rows }, (_, row) => bytes.readUInt16LE(headerBytes + 2 * row * size ** 2))
}

void t.test('shards, labels, parts and names', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { train: 6, test: 3 } })
  const steps: [number, number][] = []
  const { set, split, warnings, duplicates } = await open(root, {}, { onProgress: (...at) => steps.push(at) })
  t.same(steps.at(-1), [27, 27])
  t.equal(set.names[0], 'test/glioma/0.png')
  t.same([...set.labels].slice(0, 9), [0, 0, 0, 1, 1, 1, 2, 2, 2])
  t.same(
    heads(root),
    set.names.map((name) => {
      const [part = '', label = '', file = ''] = name.split('/')
      const own = pattern(set.classes.indexOf(label), size, part, Number(file.replace('.png', '')))
      return (own[0] ?? 0) * 257
    }),
    'rows are the files, in their order',
  )
  t.same([split.test.length, split.val.length, split.train.length], [9, 3, 15], 'one of six a class is drawn')
  t.same(duplicates, [])
  t.match(warnings, [/^15 % of what is trained on is drawn for validation, image by image$/])
})

void t.test('shards are reused, and made anew when a file or the way of cutting changes', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { '': 8 } })
  const first = await open(root)
  const shard = join(root, 'cache', 'slices-00000.npy')
  const made = statSync(shard).mtimeMs
  let steps = 0
  const again = await open(root, {}, { onProgress: () => (steps += 1) })
  t.same([again.set.fingerprint, statSync(shard).mtimeMs, steps], [first.set.fingerprint, made, 0])
  renameSync(join(root, 'set'), join(root, 'moved'))
  const moved = await open(root, { data: join(root, 'moved') })
  t.same(
    [moved.set.fingerprint, statSync(shard).mtimeMs],
    [first.set.fingerprint, made],
    'a set may be moved',
  )
  renameSync(join(root, 'moved'), join(root, 'set'))

  const before = heads(root)
  await writeGrey(join(root, 'set', 'meningioma', '3.png'), new Uint8Array(size ** 2).fill(7), size)
  const changed = await open(root)
  t.not(changed.set.fingerprint, first.set.fingerprint)
  const after = heads(root)
  t.same(
    after.flatMap((value, row) => (value === before[row] ? [] : [changed.set.names[row]])),
    ['meningioma/3.png'],
  )
  const path = join(root, 'set', 'glioma', '0.png')
  utimesSync(path, 1, 1)
  t.not((await open(root)).set.fingerprint, changed.set.fingerprint, 'times count')
  t.not((await open(root, { fit: 'pad' })).set.fingerprint, changed.set.fingerprint)
  truncateSync(join(root, 'cache', 'labelled.json'), 30)
  t.equal((await open(root)).set.labels.length, 24, 'a record that is cut off is not believed')
})

void t.test('images that cannot be read', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { '': 8 } })
  const at = (name: string): string => join(root, 'set', name)
  writeFileSync(at('glioma/1.png'), '')
  writeFileSync(at('notumor/2.png'), 'text')
  truncateSync(at('notumor/5.png'), 300)
  const error = await rejection(t, open(root), 'ERR_GYRUS_FILE_FORMAT')
  t.match(error.message, /^3 images of .* cannot be read: /)
  for (const name of ['glioma/1.png', 'notumor/2.png', 'notumor/5.png'])
    t.ok(error.message.includes(at(name)))
  t.match(error.message, /pass skipUnreadable to leave them out$/)
  const { set, warnings } = await open(root, { skipUnreadable: true })
  t.equal(set.labels.length, 21)
  t.notOk(set.names.includes('glioma/1.png'))
  t.equal(warnings.filter((line) => line.startsWith('left out: ')).length, 3)
  t.ok(
    warnings.some((line) => line.includes(`${at('glioma/1.png')} is no image`) && line.endsWith('is empty')),
  )
  for (let file = 0; file < 8; file += 1) writeFileSync(at(`meningioma/${file}.png`), '')
  const lost = await rejection(t, open(root, { skipUnreadable: true }), 'ERR_GYRUS_FILE_FORMAT')
  t.match(lost.message, /no image of meningioma can be read/)
})

void t.test('an interrupted preparation leaves nothing that is believed', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { '': 20 } })
  const controller = new AbortController()
  const onProgress = (done: number): void => {
    if (done === 5) controller.abort(new Error('enough'))
  }
  await rejection(t, open(root, {}, { signal: controller.signal, onProgress }), 'ERR_GYRUS_ABORTED')
  t.notOk(readdirSync(join(root, 'cache')).includes('labelled.json'))
  t.notOk(readdirSync(join(root, 'cache')).includes('run.lock'), 'and no lock')
  t.equal((await open(root)).set.labels.length, 60)
  t.equal(heads(root).length, 60)
})

void t.test('two runs do not write one cache at once', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { '': 8 } })
  const both = await Promise.allSettled([open(root), open(root)])
  const failed = both.filter((one) => one.status === 'rejected')
  t.equal(failed.length, 1)
  t.match(failed[0]?.reason, { code: 'ERR_GYRUS_BUSY' })
})

/** Files of two classes, two images each of eight patients a class. */
function writeCheng(t: Test): string {
  const root = t.testdir()
  mkdirSync(join(root, 'set'))
  for (let patient = 0; patient < 16; patient += 1)
    for (let image = 0; image < 2; image += 1)
      writeMat(join(root, 'set', `${patient * 2 + image + 1}.mat`), {
        label: patient < 8 ? 1 : 3,
        patient: `MR${String(patient).padStart(4, '0')}`,
      })
  return root
}

void t.test("Cheng's set is split by patients", async (t) => {
  const root = writeCheng(t)
  writeFileSync(join(root, 'set', 'cvind.mat'), 'which fold')
  const { set, split, warnings } = await open(root)
  t.same(set.classes, ['meningioma', 'pituitary'])
  t.same([set.labels.length, new Set(set.patients).size], [32, 16])
  const patients = (places: readonly number[]): Set<string> =>
    new Set(places.map((place) => set.patients[place] ?? ''))
  const sides = [split.train, split.val, split.test].map(patients)
  t.equal(
    sides.reduce((sum, own) => sum + own.size, 0),
    16,
    'no patient is on two sides',
  )
  t.same([split.test.length, split.val.length], [8, 4], 'whole patients: 2 of 8 a class, then 1 of 6')
  t.ok(warnings.some((line) => line.includes('drawn for the test, patient by patient')))
  t.same((await open(root)).split, split, 'the same draw again')
  t.notSame((await open(root, { splitSeed: 1 })).split, split)
  // Every picture of the golden file is the same: all of them are twins.
  t.ok(warnings.some((line) => line.startsWith('8 of 8 test images are nearly in what is trained on')))
})

void t.test("folds of Cheng's set, its own or drawn", async (t) => {
  const root = writeCheng(t)
  const golden = (name: string): URL => new URL(`../../../test/goldens/hdf5/${name}.h5`, import.meta.url)
  const list = join(root, 'set', 'cvind.mat')
  cpSync(golden('figshare_folds'), list)
  const seen: number[] = []
  for (const fold of [1, 2, 3, 4]) {
    const { set, split, warnings } = await open(root, { fold })
    const numbers = split.test.map((place) => Number(/(\d+)\.mat$/.exec(set.names[place] ?? '')?.[1]))
    t.ok(
      numbers.every((number) => (Math.floor((number - 1) / 2) % 4) + 1 === fold),
      `pictures ${numbers.join(', ')}`,
    )
    t.ok(
      warnings.some(
        (line) => line === `fold ${fold} of 4 is tested on; folds are those of the set's cvind.mat`,
      ),
    )
    seen.push(...split.test)
  }
  t.equal(new Set(seen).size, 32, 'every picture is tested once')
  const [one, two] = [await open(root, { fold: 1 }), await open(root, { fold: 2 })]
  t.equal(one.set.fingerprint, two.set.fingerprint)
  await rejection(t, open(root, { fold: 5 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, open(root, { fold: 1, folds: 5 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, open(root, { folds: 5 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  cpSync(golden('figshare_folds_half'), list)
  await rejection(t, open(root, { fold: 1 }), 'ERR_GYRUS_FILE_FORMAT')
  rmSync(list)
  const drawn = await open(root, { fold: 3 })
  t.ok(drawn.warnings.some((line) => line === 'fold 3 of 5 is tested on; folds are drawn patient by patient'))
  t.not(drawn.set.fingerprint, one.set.fingerprint, 'cells of other folds are other cells')
  renameSync(join(root, 'set', '7.mat'), join(root, 'set', '700.mat'))
  cpSync(golden('figshare_folds'), list)
  const beyond = await rejection(t, open(root, { fold: 1 }), 'ERR_GYRUS_FILE_FORMAT')
  t.match(beyond.message, /has the folds of pictures 1 to 32, and 700\.mat is none of them/)
})

void t.test("Cheng's set with files that are broken, or of no class", async (t) => {
  const root = writeCheng(t)
  const golden = new URL('../../../test/goldens/hdf5/figshare_label.h5', import.meta.url)
  writeFileSync(join(root, 'set', '33.mat'), readFileSync(golden))
  writeFileSync(join(root, 'set', '34.mat'), '')
  const error = await rejection(t, open(root), 'ERR_GYRUS_FILE_FORMAT')
  t.match(error.message, /^2 images of .* cannot be read: .*33\.mat.*label is 4; 1 \(meningioma\).*34\.mat/)
  const { set, warnings } = await open(root, { skipUnreadable: true })
  t.equal(set.labels.length, 32)
  t.equal(warnings.filter((line) => line.startsWith('left out: ')).length, 2)
})

void t.test('a curated folder with labels', async (t) => {
  const root = t.testdir()
  const data = writeCurated(join(root, 'set'), {
    rows: 24,
    size,
    split: (row) => (row >= 16 ? 'val' : 'train'),
  })
  const labels = join(root, 'labels.csv')
  const write = (name: (row: number) => string): void => {
    const lines = Array.from({ length: 24 }, (_, row) => `${row},${name(row)}`)
    writeFileSync(labels, ['index,label', ...lines].join('\n'))
  }
  write((row) => (row % 4 < 2 ? 'a' : 'b'))
  const { set, split } = await open(root, { data, labels })
  t.same([split.test.length, split.val.length, split.train.length], [8, 4, 12])
  t.ok(
    split.test.every((place) => (set.rows[place] ?? 0) >= 16),
    'held-out subjects are the test',
  )
  write((row) => (row % 4 < 2 ? 'b' : 'a'))
  t.not((await open(root, { data, labels })).set.fingerprint, set.fingerprint, 'labels are part of the set')
  await rejection(t, open(root, { data }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await writeClassFolder(join(root, 'folder'), { counts: { '': 2 } })
  await rejection(
    t,
    open(root, { data: join(root, 'folder'), labels }),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'TypeError',
  )
  await rejection(t, open(root, { data: join(root, 'none') }), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('all items without any split', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { '': 1 } })
  const settings = parseOptions(labelledSettings, 'test', { data: join(root, 'set'), sliceSize: size })
  t.equal((await openUnsplit(settings, { cache: join(root, 'cache') })).labels.length, 3)
  const error = await rejection(t, open(root), 'ERR_GYRUS_FILE_FORMAT')
  t.match(
    error.message,
    /no test image of the class glioma, meningioma, notumor is there: .* add some, or change/,
  )
})

void t.test('images whose names are not UTF-8', async (t) => {
  const root = t.testdir()
  await writeClassFolder(join(root, 'set'), { counts: { train: 6, test: 3 } })
  const folder = join(root, 'set', 'test', 'glioma')
  copyFileSync(join(folder, '0.png'), latin1Path(folder, 'M\xfcller.png'))
  const { message } = await rejection(t, open(root), 'ERR_GYRUS_FILE_NOT_FOUND')
  t.match(message, /: test\/glioma\/M\ufffdller\.png have names that are not UTF-8.*: rename them/)
})
