// `gyrus evaluate`: a classifier that is there on other images, whose classes are found by their names.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { evaluate, finetune } from '../../lib/index.js'
import { gyrus } from '../support/cli.js'
import { readSafetensors, writeSafetensors } from '../support/files.js'
import { consume, quick, writeClassFolder } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'

const folder = t.testdir()
const set = await writeClassFolder(join(folder, 'set'), { counts: { Training: 16, Testing: 12 } })
const cache = join(folder, 'cache')
const learned = join(folder, 'learned')
await consume(finetune({ ...quick, data: set, cache, out: learned, epochs: 4 }))
let runs = 0
const newOut = (): string => join(folder, `run-${(runs += 1)}`)

interface Result {
  readonly classes: string[]
  readonly logits: number[]
  readonly figures: { readonly accuracy: number }
}
const trained = JSON.parse(readFileSync(join(learned, 'result.json'), 'utf8')) as Result

void t.test('the folder of a run gives its network', (t) => {
  const parameters = ['evaluate', '--weights', learned, '--data', set, '--out', newOut(), '--cache', cache]
  const { status, stdout, stderr } = gyrus(...parameters, '--threads', '1')
  t.equal(status, 0, stderr)
  t.match(stdout, new RegExp(`^accuracy +${(100 * trained.figures.accuracy).toFixed(2)} % \\(`))
  t.match(stdout, /^auroc +[01]\.\d{4} \([01]\.\d{4} to [01]\.\d{4}\)$/m)
  t.match(stdout, /36 images; all figures in .*result\.json/)
  t.end()
})

void t.test('classes are found by their names', async (t) => {
  const config = { weights: learned, cache, threads: 1, duplicates: { action: 'ignore' } } as const
  const { classes, logits, labels } = await evaluate({ ...config, data: set, out: newOut() })
  t.same(classes, ['glioma', 'meningioma', 'notumor'])
  // The same test images without the first class, so that the others have other numbers.
  const two = join(folder, 'two')
  for (const part of ['Training', 'Testing'])
    for (const name of ['meningioma', 'notumor'])
      cpSync(join(set, part, name), join(two, part, name), { recursive: true, preserveTimestamps: true })
  const found = await evaluate({ ...config, cache: join(folder, 'cache-two'), data: two, out: newOut() })
  t.same(found.classes, ['meningioma', 'notumor'])
  const rows = [...labels.keys()].filter((row) => labels[row] !== 0)
  t.same(
    [...found.labels],
    rows.map((row) => (labels[row] ?? NaN) - 1),
  )
  t.same(
    [...found.logits],
    rows.flatMap((row) => [...logits.subarray(3 * row + 1, 3 * row + 3)]),
    'the columns of these two',
  )
  t.match(
    found.warnings.at(-1),
    /trained on glioma, .* are meningioma, notumor: what it says of glioma is left out/,
  )
})

void t.test('classes of other names', async (t) => {
  const renamed = ['a', 'b', 'c']
  const other = await writeClassFolder(join(folder, 'other'), { counts: { '': 2 }, classes: renamed })
  const config = { weights: learned, data: other, part: 'all', threads: 1 } as const
  const unknown = await rejection(t, evaluate({ ...config, out: newOut() }), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  t.match(
    unknown.message,
    /trained on glioma, .* are a, b, c: it does not know a, b, c; .*matchClasses 'order'/,
  )
  const flags = ['--part', 'all', '--threads', '1', '--match-classes', 'order']
  const { status, stderr } = gyrus(
    'evaluate',
    '--weights',
    learned,
    '--data',
    other,
    '--out',
    newOut(),
    ...flags,
  )
  t.equal(status, 0, stderr)
  t.match(stderr, /are a, b, c: they are matched by their order, as asked/)
  const many = await writeClassFolder(join(folder, 'many'), { counts: { '': 2 }, classes: [...renamed, 'd'] })
  const error = await rejection(
    t,
    evaluate({ ...config, data: many, out: newOut(), matchClasses: 'order' }),
    'ERR_GYRUS_WEIGHTS_MISMATCH',
  )
  t.match(error.message, /tells 3 classes apart, the images have 4/)
})

void t.test('the exported model says the same, for three channels', async (t) => {
  const path = join(folder, 'exported.safetensors')
  const call = ['export', '--weights', learned, '--output', path, '--form', 'torchvision']
  const { status, stderr } = gyrus(...call, '--channels', '3', '--classifier')
  t.equal(status, 0, stderr)
  const tensors = readSafetensors(readFileSync(path))
  t.same(
    [tensors['conv1.weight']?.shape, tensors['fc.weight']?.shape],
    [
      [64, 3, 7, 7],
      [3, 512],
    ],
  )
  const network = { arch: 'resnet18', imageSize: 32, sliceSize: 40, data: set, cache } as const
  const run = { threads: 1, precision: 'f32', duplicates: { action: 'ignore' } } as const
  const found = await evaluate({ ...network, ...run, channels: 3, weights: path, out: newOut() })
  const scale = Math.max(...trained.logits.map(Math.abs))
  const off = found.logits.map((value, at) => Math.abs(value - (trained.logits[at] ?? NaN)))
  t.ok(Math.max(...off) < 1e-5 * scale, `logits: ${Math.max(...off) / scale}`)
  const backbone = join(folder, 'alone.safetensors')
  t.equal(gyrus('export', '--weights', path, '--arch', 'resnet18', '--output', backbone).status, 0)
  const alone = ['export', '--weights', backbone, '--arch', 'resnet18', '--output', join(folder, 'no')]
  t.match(gyrus(...alone, '--classifier').stderr, /has no linear classifier: leave out --classifier/)
  const [again, silent] = [join(folder, 'again.safetensors'), join(folder, 'silent.safetensors')]
  t.equal(gyrus('export', '--weights', backbone, '--output', again).status, 0, 'the file says what it is of')
  writeSafetensors(silent, readSafetensors(readFileSync(backbone)))
  t.match(gyrus('export', '--weights', silent, '--output', join(folder, 'no')).stderr, /arch must be given/)
})

void t.test('what is refused', async (t) => {
  const network = { arch: 'resnet18', imageSize: 32, data: set, cache, threads: 1, sliceSize: 40 } as const
  const text = join(folder, 'text.safetensors')
  writeFileSync(text, 'this is no file of weights')
  await rejection(t, evaluate({ ...network, weights: text, out: newOut() }), 'ERR_GYRUS_FILE_FORMAT')
  const backbone = join(folder, 'backbone.safetensors')
  t.equal(gyrus('export', '--weights', learned, '--output', backbone).status, 0)
  const alone = evaluate({ ...network, weights: backbone, out: newOut() })
  t.match(
    (await rejection(t, alone, 'ERR_GYRUS_WEIGHTS_MISMATCH')).message,
    /has no linear classifier for resnet18/,
  )
  t.equal(gyrus('evaluate', '--data', set, '--out', newOut(), '--part', 'half').status, 2)
})
