// `gyrus evaluate`: a classifier that is there on other images, whose classes are found by their names.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { evaluate, finetune } from '../../lib/index.js'
import { gyrus } from '../support/cli.js'
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
  t.match(stdout, /^auroc +[01]\.\d{4}/m)
  t.match(stdout, /36 images; all figures in .*result\.json/)
  t.end()
})

void t.test('classes of other names', async (t) => {
  const renamed = ['a', 'b', 'c']
  const other = await writeClassFolder(join(folder, 'other'), { counts: { '': 2 }, classes: renamed })
  const found = await evaluate({ weights: learned, data: other, out: newOut(), part: 'all', threads: 1 })
  t.equal(found.figures.count, 6)
  t.ok(
    found.warnings.some((line) =>
      /trained on glioma, .* are a, b, c: they are matched by their order/.test(line),
    ),
  )
  const many = await writeClassFolder(join(folder, 'many'), { counts: { '': 2 }, classes: [...renamed, 'd'] })
  const error = await rejection(
    t,
    evaluate({ weights: learned, data: many, out: newOut(), part: 'all' }),
    'ERR_GYRUS_WEIGHTS_MISMATCH',
  )
  t.match(error.message, /tells 3 classes apart, the images have 4/)
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
