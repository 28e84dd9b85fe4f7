// `gyrus finetune classify`: what a run learns, leaves and reports, and what it refuses.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Encoder, evaluate, finetune, pretrain } from '../../lib/index.js'
import type { FinetuneConfig, FinetuneEvent, TaskCallOptions } from '../../lib/index.js'
import { gyrus, gyrusInterrupted, jsonLines } from '../support/cli.js'
import { readSafetensors } from '../support/files.js'
import {
  classNames,
  consume,
  pattern,
  quick,
  withoutPictures,
  writeClassFolder,
  writeGrey,
} from '../support/labelled.js'
import { rejection } from '../support/rejection.js'
import { writeCurated } from '../support/shards.js'
import { writeTorchFile } from '../support/torch-file.js'

const folder = t.testdir()
const set = await writeClassFolder(join(folder, 'set'), { counts: { Training: 24, Testing: 12 }, wrong: 1 })
const common = { ...quick, data: set, cache: join(folder, 'cache') } as const
const { arch, imageSize, sliceSize, batchSize, duplicates, device, precision, threads, replicates } = quick
const { data, cache } = common
const evaluation = {
  data,
  cache,
  arch,
  imageSize,
  sliceSize,
  batchSize,
  duplicates,
  device,
  precision,
  threads,
  replicates,
} as const
let runs = 0
const newOut = (): string => join(folder, `run-${(runs += 1)}`)

type Done = Extract<FinetuneEvent, { type: 'done' }>
type EpochEvent = Extract<FinetuneEvent, { type: 'epoch' }>

interface Ended {
  readonly out: string
  readonly events: FinetuneEvent[]
  readonly epochs: EpochEvent[]
  readonly done: Done
}

async function run(t: Test, more: Partial<FinetuneConfig> = {}, call: TaskCallOptions = {}): Promise<Ended> {
  const out = more.out ?? newOut()
  const events = await consume(finetune({ ...common, ...more, out }, call))
  const done = events.at(-1)
  if (done?.type !== 'done') throw new Error('no done event')
  const epochs = events.filter((event) => event.type === 'epoch')
  t.notOk(existsSync(join(out, 'run.lock')) || existsSync(join(out, 'best.safetensors')))
  return { out, events, epochs, done }
}

interface Result {
  readonly classes: string[]
  readonly labels: number[]
  readonly logits: number[]
  readonly images: string[]
  readonly bestEpoch: number
  readonly curve: { epoch: number; valAccuracy: number }[]
  readonly figures: { accuracy: number; confusion: number[][] }
}
const resultOf = (out: string): Result => JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result

function accuracyOf({ labels, logits, classes }: Result): number {
  const hits = labels.filter((label, row) => {
    const own = logits.slice(row * classes.length, (row + 1) * classes.length)
    return own.indexOf(Math.max(...own)) === label
  })
  return hits.length / labels.length
}

const learned = join(folder, 'learned')
const flags = ['--arch', 'resnet18', '--image-size', '32', '--slice-size', '40', '--batch-size', '10']
const small = [...flags, '--threads', '1', '--precision', 'f32', '--cache', common.cache]

void t.test('a run on the command line learns, and its files agree', (t) => {
  const config = join(folder, 'settings.yaml')
  writeFileSync(
    config,
    'lr: 0.001\nview: { crop: [0.5, 1], flip: 0.5 }\nepochs: 99\nduplicates: { action: ignore }\n',
  )
  const parameters = ['finetune', 'classify', '--data', set, '--out', learned, '--config', config]
  const { status, stdout, stderr } = gyrus(...parameters, '--epochs', '6', ...small, '--json')
  t.equal(status, 0, stderr)
  const events = jsonLines(stdout)
  const start = events.find(({ event }) => event === 'start')
  t.match(start, { classes: [...classNames], train: 60, val: 12, test: 36 })
  t.equal(events.filter(({ event }) => event === 'epoch').length, 6, 'a flag goes before the file')
  t.same(readdirSync(learned).sort(), ['config.json', 'model.safetensors', 'report.html', 'result.json'])
  const result = resultOf(learned)
  t.equal(result.figures.accuracy, accuracyOf(result))
  t.ok(result.figures.accuracy > 0.6, `accuracy ${result.figures.accuracy}, by chance 0.33`)
  t.match(events.at(-1), {
    event: 'done',
    out: learned,
    figures: { accuracy: result.figures.accuracy, count: 36 },
  })
  t.equal(result.images[0], 'Testing/glioma/0.png')
  const best = Math.max(...result.curve.map(({ valAccuracy }) => valAccuracy))
  t.equal(result.curve[result.bestEpoch - 1]?.valAccuracy, best, 'the best epoch was kept')
  const model = readSafetensors(readFileSync(join(learned, 'model.safetensors')))
  t.same(model['fc.weight']?.shape, [3, 512])

  const report = readFileSync(join(learned, 'report.html'), 'utf8')
  t.notMatch(report, /(src|href)="(?!data:)/, 'the report stands alone')
  t.ok(report.includes(`<b>${(100 * result.figures.accuracy).toFixed(1)} %</b>`))
  t.ok((report.match(/<img/g) ?? []).length > 12 && report.includes('taken for'), 'pictures, right and wrong')
  t.notMatch(withoutPictures(report), /NaN|undefined|\[object/)
  const again = gyrus(...parameters, '--epochs', '6', ...small)
  t.equal(again.status, 1)
  t.match(again.stderr, /holds results: pass resume .*overwrite.* \[ERR_GYRUS_FILE_IO\]/)
  const resumed = gyrus(...parameters, '--epochs', '6', ...small, '--resume')
  t.equal(resumed.status, 0, resumed.stderr)
  t.match(resumed.stdout, /accuracy \d+\.\d % \(\d.* to \d.* %\) on 36 images/)
  t.match(resumed.stdout, /weights {2}.*model\.safetensors\n {2}report {3}.*report\.html/)
  t.end()
})

void t.test('evaluating the saved model gives the figures of the run', async (t) => {
  const wanted = resultOf(learned)
  const model = join(learned, 'model.safetensors')
  const config = { ...evaluation, weights: model } as const
  const test = await evaluate({ ...config, out: newOut() })
  t.same(test.classes, classNames)
  t.equal(test.figures.accuracy, wanted.figures.accuracy)
  t.same(test.figures.confusion, wanted.figures.confusion)
  const scale = Math.max(...wanted.logits.map(Math.abs))
  t.ok(
    test.logits.every((value, at) => Math.abs(value - (wanted.logits[at] ?? NaN)) < 1e-5 * scale),
    'the same logits',
  )
  const counts: number[] = []
  for (const part of ['test', 'val', 'train', 'all'] as const) {
    const found = await evaluate({ ...config, part, out: newOut() })
    counts.push(found.figures.count)
    t.equal(found.logits.length, 3 * found.figures.count)
    t.ok(found.figures.accuracy > 0.6, `${part}: ${found.figures.accuracy}`)
  }
  t.same(counts, [36, 12, 60, 108])
  const val = await evaluate({ ...config, part: 'val', out: newOut() })
  t.equal(val.figures.accuracy, wanted.curve[wanted.bestEpoch - 1]?.valAccuracy)
})

void t.test('a finished run is not run again, unless what it was made of has changed', async (t) => {
  const data = await writeClassFolder(join(folder, 'mine'), { counts: { train: 10, test: 4 } })
  const mine = { data, cache: join(folder, 'cache-mine'), epochs: 2 }
  const first = await run(t, mine)
  const model = join(first.out, 'model.safetensors')
  const made = statSync(model).mtimeMs
  const { out } = first
  const again = await run(t, { ...mine, out, threads: 2 }, { resume: true })
  t.same([again.epochs.length, statSync(model).mtimeMs], [0, made])
  t.same(again.done.figures, first.done.figures)
  const other = await rejection(
    t,
    consume(finetune({ ...common, ...mine, out, lr: 0.5 }, { resume: true })),
    'ERR_GYRUS_INVALID_ARGUMENT',
  )
  t.match(other.message, /begun with other settings \(lr: lr was 0\.001, is 0\.5\)/)
  rmSync(model)
  t.equal((await run(t, { ...mine, out }, { resume: true })).epochs.length, 2, 'its weights were gone')
  await writeGrey(join(data, 'test', 'glioma', '0.png'), pattern(1, 40, 'changed'), 40)
  t.equal((await run(t, { ...mine, out }, { resume: true })).epochs.length, 2, 'an image was another')
  writeFileSync(join(out, 'notes.txt'), 'mine')
  const anew = await run(t, { ...mine, out, epochs: 1 }, { overwrite: true })
  t.equal(anew.epochs.length, 1)
  t.ok(existsSync(join(out, 'notes.txt')), "overwriting leaves others' files")
})

void t.test('the same seed gives the same run', async (t) => {
  const [one, same, other] = [
    await run(t, { epochs: 2, seed: 5 }),
    await run(t, { epochs: 2, seed: 5 }),
    await run(t, { epochs: 2, seed: 6 }),
  ]
  t.same(resultOf(one.out).logits, resultOf(same.out).logits)
  t.notSame(resultOf(one.out).logits, resultOf(other.out).logits)
})

void t.test('stopping early, and what the best epoch is best in', async (t) => {
  const still = await run(t, {
    lr: 0,
    epochs: 9,
    patience: 2,
    selectBy: 'f1',
    optimizer: { name: 'sgd', momentum: 0 },
  })
  t.ok(still.epochs.length < 9, `nothing is learned: ended after ${still.epochs.length}`)
  const last = still.epochs.at(-1)
  t.equal((last?.epoch ?? 0) - (last?.best ?? 0), 2)
  const never = await run(t, { epochs: 3, valFraction: 0, patience: 1 })
  t.equal(never.epochs.length, 3, 'without validation images nothing stops it')
  t.equal(never.epochs[0]?.valAccuracy, undefined)
  t.equal(never.epochs.at(-1)?.best, 3, 'and the last epoch counts')
  const none = evaluate({
    weights: never.out,
    data: set,
    out: newOut(),
    part: 'val',
    valFraction: 0,
    threads: 1,
  })
  t.match(
    (await rejection(t, none, 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')).message,
    /one that has images/,
  )
})

void t.test('the linear method, from a random start and from a pretraining', async (t) => {
  const data = writeCurated(join(folder, 'curated'), { rows: 24, size: 40 })
  const pretrained = join(folder, 'pretrained')
  const preset = {
    preset: 'cpu-resnet18',
    imageSize: 32,
    batchSize: 8,
    steps: 4,
    saveEvery: 4,
    threads: 1,
  } as const
  await consume(pretrain({ ...preset, data, out: pretrained }))
  const random = await run(t, { method: 'linear' })
  t.same([random.epochs.length, random.done.weights], [0, join(random.out, 'model.safetensors')])
  t.ok(random.done.figures.accuracy > 0.5, `${random.done.figures.accuracy}`)
  t.match(readFileSync(random.done.report, 'utf8'), /There are no epochs: the classifier was solved for/)
  const weights = join(pretrained, 'backbone.safetensors')
  const linear = await run(t, { method: 'linear', weights })
  t.notSame(resultOf(linear.out).logits, resultOf(random.out).logits)
  const byFolder = await run(t, { method: 'linear', weights: pretrained })
  t.same(resultOf(byFolder.out).logits, resultOf(linear.out).logits, "a run's folder gives its weights")
  for (const { out } of [random, linear]) {
    const wanted = resultOf(out)
    const again = await evaluate({ ...evaluation, weights: out, out: newOut() })
    t.same(again.figures.confusion, wanted.figures.confusion, 'the model that it leaves says the same')
    const scale = Math.max(...wanted.logits.map(Math.abs))
    const off = again.logits.map((value, at) => Math.abs(value - (wanted.logits[at] ?? NaN)))
    t.ok(Math.max(...off) < 1e-4 * scale, `logits: ${Math.max(...off) / scale}`)
  }

  const start = readSafetensors(readFileSync(weights))
  const pickled = join(folder, 'pretrained.pth')
  const names = Object.entries(start).filter(([name]) => !name.endsWith('num_batches_tracked'))
  writeTorchFile(pickled, {
    state_dict: Object.fromEntries(names.map(([name, tensor]) => [`module.${name}`, tensor])),
  })
  const tuned = await run(t, { weights: pickled, epochs: 1, lr: 0 })
  const end = readSafetensors(readFileSync(join(tuned.out, 'model.safetensors')))
  t.same(end['layer1.0.conv1.weight'], start['layer1.0.conv1.weight'], 'it began with these weights')
  const exported = join(folder, 'exported.safetensors')
  const { status, stderr } = gyrus('export', '--weights', learned, '--output', exported)
  t.equal(status, 0, stderr)
  await using encoder = await Encoder.load({ weights: exported, arch, imageSize, channels: 1, threads })
  t.equal(encoder.loadReport.missing.length, 0)
})

void t.test('weights of classes, mixup, smoothing and fractions of labels', async (t) => {
  const data = join(folder, 'uneven')
  for (const [label, count] of [24, 12, 12].entries())
    for (let at = 0; at < count + 4; at += 1) {
      const part = at < count ? 'train' : 'test'
      await writeGrey(
        join(data, part, classNames[label] ?? '', `${at}.png`),
        pattern(label, 40, part, at),
        40,
      )
    }
  const uneven = { data, cache: join(folder, 'cache-uneven'), epochs: 1, valFraction: 0 }
  const lossOf = async (more: Partial<FinetuneConfig>): Promise<number> => {
    const { epochs } = await run(t, { ...uneven, ...more })
    return epochs[0]?.loss ?? NaN
  }
  const plain = await lossOf({})
  for (const more of [{ classWeights: 'balanced' }, { mixup: 0.4 }, { labelSmoothing: 0.2 }] as const) {
    const loss = await lossOf(more)
    t.ok(Number.isFinite(loss) && loss !== plain, `${JSON.stringify(more)}: ${loss}, plainly ${plain}`)
  }
  // 48 images, 24 of the first class: a class's weight is 48 / (3 n).
  t.equal(await lossOf({ classWeights: [2 / 3, 4 / 3, 4 / 3] }), await lossOf({ classWeights: 'balanced' }))
  const two = await rejection(t, lossOf({ classWeights: [1, 2] }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  t.match(two.message, /classWeights must be 3 numbers, of glioma, meningioma, notumor/)
  const { events } = await run(t, { ...uneven, labelFraction: 0.25 })
  t.match(
    events.find(({ type }) => type === 'start'),
    { train: 12 },
    '6 + 3 + 3',
  )
})

void t.test('an interrupted run without a state begins anew', async (t) => {
  const out = newOut()
  const parameters = [
    'finetune',
    'classify',
    '--data',
    set,
    '--out',
    out,
    ...small,
    '--epochs',
    '40',
    '--json',
  ]
  const ended = await gyrusInterrupted('SIGINT', ...parameters)
  t.equal(ended.status, 130, ended.stderr)
  t.notOk(existsSync(join(out, 'run.lock')) || existsSync(join(out, 'result.json')))
  const controller = new AbortController()
  const late = newOut()
  const aborted = async (): Promise<void> => {
    for await (const event of finetune({ ...common, epochs: 2, out: late }, { signal: controller.signal }))
      if (event.type === 'epoch') controller.abort(new Error('enough'))
  }
  await rejection(t, aborted(), 'ERR_GYRUS_ABORTED')
  t.equal((await run(t, { epochs: 2, out: late }, { resume: true })).epochs.length, 2)
  const left = newOut()
  for await (const event of finetune({ ...common, epochs: 2, out: left })) if (event.type === 'epoch') break
  t.equal(
    (await run(t, { out: left, epochs: 2 }, { resume: true })).epochs.length,
    2,
    'whoever leaves gives way',
  )
})

void t.test('what is refused', async (t) => {
  const refused = (more: object): Promise<unknown> => consume(finetune({ ...common, out: newOut(), ...more }))
  const missing = await rejection(
    t,
    refused({ weights: join(folder, 'none.pth') }),
    'ERR_GYRUS_FILE_NOT_FOUND',
  )
  t.match(missing.message, /the weights .*none\.pth cannot be read: check the path/)
  await rejection(t, refused({ data: join(folder, 'none') }), 'ERR_GYRUS_FILE_NOT_FOUND')
  const foreign = { weights: join(learned, 'model.safetensors'), arch: 'vit_tiny_patch16_224' }
  await rejection(t, refused(foreign), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  await rejection(t, refused({ arch: 'resnet19' }), 'ERR_GYRUS_NAME')
  for (const wrong of [
    { epochs: 0 },
    { labelFraction: 0 },
    { labelFraction: 1.5 },
    { mixup: -1 },
    { testSide: 2 },
  ])
    await rejection(t, refused(wrong), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  for (const classWeights of ['some', [1, 0, 1], [1]])
    await rejection(t, refused({ classWeights }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  const wide = await rejection(
    t,
    refused({ mean: [0.4, 0.5, 0.6] }),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'TypeError',
  )
  t.match(wide.message, /mean must be one number with channels 1/)
  const misspelt = await rejection(t, refused({ epoch: 3 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  t.match(misspelt.message, /finetune: there is no option 'epoch'; did you mean 'epochs'\?/)
  const diverged = await rejection(
    t,
    refused({ lr: 1e30, warmupEpochs: 0, optimizer: { name: 'sgd' } }),
    'ERR_GYRUS_NON_FINITE',
  )
  t.match(diverged.message, /^epoch 1, at a learning rate of \S+: the loss is NaN .*; lower lr, or lengthen/)
  t.equal(gyrus('finetune', 'classify', '--data', set).status, 2, 'no output folder')
  const flag = gyrus('finetune', 'classify', '--data', set, '--out', newOut(), '--weight-decay', '-1')
  t.equal(flag.status, 2)
  t.match(flag.stderr, /optimizer\.weightDecay must be at least 0, not -1/)
})
