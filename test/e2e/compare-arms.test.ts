// The arms of a comparison: RadImageNet's two forms with their own networks and normalisations, from the command line,
// and learning rates that are chosen on the validation images.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { compare, Encoder } from '../../lib/index.js'
import type { CompareConfig } from '../../lib/index.js'
import { gyrus } from '../support/cli.js'
import { readSafetensors, writeSafetensors } from '../support/files.js'
import { consume, quick, withoutPictures, writeClassFolder } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'
import { writeTorchFile, type TorchTensor } from '../support/torch-file.js'

const folder = t.testdir()
const data = await writeClassFolder(join(folder, 'set'), { counts: { train: 16, test: 8 }, wrong: 1 })
const cache = join(folder, 'cache')

interface Result {
  readonly arm: string
  readonly seed: number
  readonly logits: number[]
  readonly lr?: number
  readonly tried?: { lr: number; failure?: string; best?: { valAccuracy: number } }[]
}
interface Report {
  readonly results: Result[]
  readonly rows: { arm: string; lrs?: number[] }[]
}
const reportOf = (out: string): Report => JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report

type Tensors = Record<string, TorchTensor>

/** Form 1 (science.md F2): every convolution has a bias, which the running mean behind it holds as well. */
function withBiases(tensors: Tensors): Tensors {
  const biased: Tensors = { ...tensors }
  for (const [name, { shape, data: means }] of Object.entries(tensors)) {
    const norm = /^(.*)(bn(\d)|downsample\.1)\.running_mean$/.exec(name)
    if (norm === null) continue
    const bias = means.map((_, at) => Math.sin(at) / 4)
    biased[`${norm[1] ?? ''}${norm[3] === undefined ? 'downsample.0' : `conv${norm[3]}`}.bias`] = {
      shape,
      data: bias,
    }
    biased[name] = { shape, data: means.map((mean, at) => mean + (bias[at] ?? NaN)) }
  }
  return biased
}

/** Form 2: the first children of torchvision's ResNet in a Sequential. */
function asSequential(tensors: Tensors): Tensors {
  const children = ['conv1', 'bn1', '', '', 'layer1', 'layer2', 'layer3', 'layer4']
  const rename = (name: string): string =>
    name.replace(/^\w+/, (child) => `backbone.${children.indexOf(child)}`)
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor]))
}

void t.test("RadImageNet's forms are arms, each with its network and its normalisation", async (t) => {
  const plain = join(folder, 'plain.safetensors')
  await using encoder = await Encoder.load({
    arch: 'resnet50',
    imageSize: 32,
    channels: 3,
    seed: 2,
    threads: 1,
  })
  await encoder.save(plain)
  const stored = Object.entries(readSafetensors(readFileSync(plain)))
  const tensors = Object.fromEntries(stored.filter(([name]) => !name.endsWith('num_batches_tracked')))
  const [form1, form2] = [join(folder, 'RadImageNet-ResNet50_notop.pth'), join(folder, 'ResNet50.pt')]
  // Of another library, without a word on the network that it is of.
  writeSafetensors(plain, tensors)
  writeTorchFile(form1, withBiases(tensors))
  writeTorchFile(form2, asSequential(tensors))
  const out = join(folder, 'radimagenet')
  const caffe = 'channels=3,mean=0.406,0.456,0.485,std=1'
  const even = 'channels=3,mean=0.5,std=0.5'
  const arms = [
    ...[
      '--arm',
      `form 1=${form1},arch=resnet50_v1,${caffe}`,
      '--arm',
      `same 1=${plain},arch=resnet50_v1,${caffe}`,
    ],
    ...['--arm', `form 2=${form2},arch=resnet50,${even}`, '--arm', `same 2=${plain},arch=resnet50,${even}`],
    ...['--arm', `other 2=${plain},arch=resnet50,channels=3`, '--arm', 'random,arch=resnet18,lr=0.01'],
  ]
  const flags = [
    '--image-size',
    '32',
    '--slice-size',
    '40',
    '--method',
    'linear',
    '--seeds',
    '1',
    '--threads',
    '1',
  ]
  const { status, stderr } = gyrus(
    'compare',
    '--data',
    data,
    '--cache',
    cache,
    '--out',
    out,
    ...flags,
    ...arms,
  )
  t.equal(status, 0, stderr)
  const logits = new Map(reportOf(out).results.map((result) => [result.arm, result.logits]))
  t.equal(logits.size, 6)
  const off = (one: string, other: string): number => {
    const [a = [], b = []] = [logits.get(one), logits.get(other)]
    return Math.max(...a.map((value, at) => Math.abs(value - (b[at] ?? NaN)))) / Math.max(...b.map(Math.abs))
  }
  t.ok(off('form 1', 'same 1') < 0.01, `biases are folded: ${off('form 1', 'same 1')}`)
  t.equal(off('form 2', 'same 2'), 0)
  t.ok(off('form 2', 'other 2') > 0.01, 'the normalisation is the arm’s own')
  t.ok(off('form 1', 'form 2') > 0.01, 'and so is the network')
  const wrong = gyrus(
    'compare',
    '--data',
    data,
    '--out',
    join(folder, 'no'),
    '--arm',
    'a=b.pth,archs=resnet18',
  )
  t.equal(wrong.status, 2)
  t.match(wrong.stderr, /no option 'arms\.0\.archs'; did you mean 'arms\.0\.arch'/)
  const one = gyrus('compare', '--data', data, '--out', join(folder, 'no'), '--arm', 'a,mean=0.1,0.2,0.3')
  t.match(one.stderr, /arm a: mean must be one number with channels 1/)
})

void t.test('learning rates are chosen on the validation images', async (t) => {
  const out = join(folder, 'rates')
  const config: CompareConfig = {
    ...{ ...quick, data, cache, out, epochs: 3, seeds: [0, 1] },
    ...{ warmupEpochs: 0, optimizer: { name: 'sgd', momentum: 0.9 } },
    lrs: [1e30, 0.02, 1e-9],
    arms: [{ name: 'chosen' }, { name: 'own', lrs: [0.02, 0.01] }, { name: 'fixed', lr: 0.01 }],
  }
  const events = await consume(compare(config))
  const rates = new Set(events.flatMap((event) => (event.type === 'epoch' ? [event.rate] : [])))
  t.same(rates, new Set([0.02, 1e-9, 0.01, undefined]), 'one diverges at once')
  const { results, rows } = reportOf(out)
  for (const result of results) {
    const { arm, lr, tried = [] } = result
    if (arm === 'fixed') {
      t.same([lr, tried], [undefined, []])
      continue
    }
    t.same(
      tried.map((one) => one.lr),
      arm === 'chosen' ? [1e30, 0.02, 1e-9] : [0.02, 0.01],
    )
    if (arm === 'chosen') t.match(tried[0]?.failure, /the loss is NaN|not finite|infinite/i)
    const found = tried.flatMap(({ best }) => best?.valAccuracy ?? [])
    const own = tried.find((one) => one.lr === lr)?.best?.valAccuracy
    t.equal(own, Math.max(...found), `${arm}, seed ${result.seed}: ${lr} of ${found.join(', ')}`)
    const fixed = results.find((other) => other.arm === 'fixed' && other.seed === result.seed)
    if (lr === 0.01) t.same(result.logits, fixed?.logits, 'the cell is what that rate alone gives')
  }
  t.same(
    rows.map(({ arm, lrs }) => [arm, lrs?.length]),
    [
      ['chosen', 2],
      ['own', 2],
      ['fixed', undefined],
    ],
  )
  const html = readFileSync(join(out, 'report.html'), 'utf8')
  t.match(html, /Learning rates[^]*1e\+30 \(0 of 2; validation –, diverged 2 times\)/)
  t.notMatch(withoutPictures(html), /NaN|undefined|\[object/)
  const table = parse<Record<string, string>>(readFileSync(join(out, 'table.csv'), 'utf8'), { columns: true })
  t.match(table[0]?.['learning_rates'], /^\S+ \S+$/)
  t.equal(table[2]?.['learning_rates'], '')
  t.equal(readdirSync(join(out, 'cells')).length, 6)
  const resumed = await consume(compare(config, { resume: true }))
  t.match(
    resumed.find(({ type }) => type === 'start'),
    { finished: 6 },
  )
  const narrower = await consume(compare({ ...config, lrs: [0.02, 1e-9] }, { resume: true }))
  t.match(
    narrower.find(({ type }) => type === 'start'),
    { finished: 4 },
    'another list is another cell',
  )
  const refused = async (more: Partial<CompareConfig>, pattern: RegExp): Promise<void> => {
    const run = consume(compare({ ...config, out: join(folder, 'refused'), ...more }))
    t.match((await rejection(t, run, 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')).message, pattern)
  }
  await refused({ valFraction: 0 }, /lrs must be left out: there are no validation images/)
  await refused(
    { arms: [{ name: 'a', method: 'linear', lrs: [1, 2] }] },
    /linear method has no learning rate/,
  )
  await refused({ lrs: [1, 1] }, /lrs must be learning rates that differ/)
})
