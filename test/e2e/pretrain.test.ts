// `gyrus pretrain` from shards to weights: what a run leaves, and what no crash may break.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, pretrain, ViewLoader } from '../../lib/index.js'
import { takeSections } from '../../lib/report/section.js'
import { gyrus, gyrusInterrupted, gyrusKilled, gyrusWithFileLimit, jsonLines } from '../support/cli.js'
import { readNpy, readSafetensors } from '../support/files.js'
import { config, consume, digest, folders, writeLabels } from '../support/pretrain.js'
import { rejection } from '../support/rejection.js'

// One thread: two test files run at a time, and more threads than processors would wait for one another.
const small = [
  '--preset',
  'cpu-resnet18',
  '--image-size',
  '32',
  '--batch-size',
  '8',
  '--steps',
  '12',
  '--threads',
  '1',
]
void t.test('a run, its files and its events', async (t) => {
  const { data, out } = folders(t)
  const labels = writeLabels(data)
  const { status, stdout, stderr } = gyrus(
    ...['pretrain', '--data', data, '--out', out, ...small, '--save-every', '4', '--probe', labels, '--json'],
  )
  t.equal(status, 0, stderr)
  const events = jsonLines(stdout)
  t.match(events[0], { event: 'start', steps: 12, stepsPerEpoch: 3, resumed: 0, slices: 24 })
  t.equal(events.filter(({ event }) => event === 'step').length, 12)
  t.same(
    events.filter(({ event }) => event === 'checkpoint').map(({ step }) => step),
    [4, 8, 12],
  )
  t.match(events.at(-1), { event: 'done', steps: 12 })
  const metrics = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8'))
  t.same(
    metrics.map(({ step, epoch }) => [step, epoch]),
    Array.from({ length: 12 }, (_, at) => [at + 1, Math.floor(at / 3)]),
  )
  t.ok(metrics.every(({ loss }) => Number.isFinite(loss)))
  t.equal(metrics[0]?.['lr'], 0, 'the first step of a warm-up')
  t.ok(typeof metrics[3]?.['probe'] === 'number', 'a probe at each checkpoint')
  t.same(readdirSync(join(out, 'checkpoints')), ['step-00000008', 'step-00000012'])
  const events_ = readdirSync(out).filter((name) => name.startsWith('events.out.tfevents.'))
  t.equal(events_.length, 1)
  t.ok(readFileSync(join(out, events_[0] ?? '')).includes('train/loss'))
  const report = readFileSync(join(out, 'report.html'), 'utf8')
  t.notMatch(report, /(src|href)="(?!data:)/, 'the report stands alone')
  t.match(report, /Nearest slices of other subjects/)
  t.equal(takeSections(report, ['learning', 'health', 'neighbours']).length, 3, 'which the demo shows again')
  t.ok((report.match(/<img/g) ?? []).length > 20, 'with pictures')
  t.notOk(existsSync(join(out, 'run.lock')) || existsSync(join(out, 'probe.safetensors.partial')))

  const backbone = readSafetensors(readFileSync(join(out, 'backbone.safetensors')))
  t.same(backbone['conv1.weight']?.shape, [64, 3, 7, 7], 'over three channels')
  t.notOk(Object.keys(backbone).some((name) => name.startsWith('fc') || name.includes('encoder')))
  await using encoder = await Encoder.load({
    weights: join(out, 'backbone.safetensors'),
    arch: 'resnet18',
    imageSize: 32,
    channels: 1,
  })
  t.same(encoder.loadReport.adapted, ['conv1.weight'])
})

void t.test('it learns', async (t) => {
  const { data, out } = folders(t, 48)
  const quick = { steps: 100, batchSize: 16, baseLr: 0.06, momentum: 0.9, cropMin: 0.6, saveEvery: 100 }
  const events = await consume(pretrain({ ...config, data, out, ...quick }))
  const losses = events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [before, after] = [mean(losses.slice(0, 8)), mean(losses.slice(-8))]
  t.ok(after < before - 0.25, `from ${before.toFixed(3)} to ${after.toFixed(3)}`)
})

void t.test('kills at any moment leave the same bits', async (t) => {
  const { data, out } = folders(t)
  const more = ['--data', data, ...small, '--save-every', '2']
  const start = performance.now()
  t.equal(gyrus('pretrain', '--out', `${out}-whole`, ...more).status, 0)
  let whole = performance.now() - start
  let kills = 0
  // As many rounds as it takes: how fast a run is changes with what else the machine does.
  for (let round = 0; kills < 6 && round < 40; round += 1) {
    const begun = performance.now()
    const delay = whole * (0.3 + 0.7 * ((round * 0.618) % 1))
    if (await gyrusKilled(delay, 'pretrain', '--out', out, '--resume', ...more)) {
      whole = Math.min(whole, performance.now() - begun)
      rmSync(out, { recursive: true })
    } else kills += 1
  }
  t.equal(kills, 6)
  const { status, stderr } = gyrus('pretrain', '--out', out, '--resume', ...more)
  t.equal(status, 0, stderr)
  t.equal(digest(out), digest(`${out}-whole`))
})

void t.test('a crash between a checkpoint and what follows it', async (t) => {
  const { data, out } = folders(t)
  await consume(pretrain({ ...config, data, out }))
  const wanted = digest(out)
  const latest = readFileSync(join(out, 'latest'), 'utf8')
  const old = join(out, 'checkpoints', 'step-00000008')
  writeFileSync(join(out, 'backbone.safetensors'), readFileSync(join(old, 'backbone.safetensors')))
  writeFileSync(join(out, 'latest'), 'checkpoints/step-00000008\n')
  t.not(digest(out), wanted, 'the weights are those of step 8')
  await consume(pretrain({ ...config, data, out }, { resume: true }))
  t.equal(digest(out), wanted, 'a run that is at its end publishes its weights all the same')
  t.equal(readFileSync(join(out, 'latest'), 'utf8'), latest)
})

void t.test('an interrupted run saves, exits with 130 and goes on', async (t) => {
  const { data, out } = folders(t)
  const flags = ['pretrain', '--data', data, '--out', out, ...small, '--save-every', '12', '--json']
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
    const resume = signal === 'SIGINT' ? [] : ['--resume']
    const ended = await gyrusInterrupted(signal, ...flags, ...resume)
    t.equal(ended.status, 130, `${signal}: ${ended.stderr}`)
    t.equal(readdirSync(join(out, 'checkpoints')).filter((name) => /^step-\d+$/.test(name)).length > 0, true)
    t.ok(existsSync(join(out, 'report.html')))
  }
  t.equal(gyrus(...flags, '--resume').status, 0)
  t.equal(
    gyrus('pretrain', '--data', data, '--out', `${out}-whole`, ...small, '--save-every', '12').status,
    0,
  )
  t.same(readFileSync(join(out, 'metrics.jsonl')), readFileSync(join(`${out}-whole`, 'metrics.jsonl')))
})

void t.test('a full disk stops a save, and nothing else', (t) => {
  const { data, out } = folders(t)
  const flags = ['pretrain', '--data', data, '--out', out, ...small, '--save-every', '4']
  const { status, stderr } = gyrusWithFileLimit(20_000, ...flags) // the state has some 150 MB
  t.equal(status, 1)
  t.match(stderr, /ERR_GYRUS_FILE_IO/)
  t.same(readdirSync(join(out, 'checkpoints')), [], 'no half checkpoint')
  t.equal(gyrus(...flags, '--resume').status, 0, 'it can be continued')
  t.end()
})

void t.test('a damaged checkpoint is passed over', async (t) => {
  const { data, out } = folders(t)
  await consume(pretrain({ ...config, data, out }))
  const whole = digest(out)
  const state = join(out, 'checkpoints', 'step-00000012', 'state.safetensors')
  const bytes = readFileSync(state)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9)
  writeFileSync(state, bytes)
  const events = await consume(pretrain({ ...config, data, out }, { resume: true }))
  t.match(events[0], { type: 'warning', message: /is not as it was written/ })
  t.match(events[1], { type: 'start', resumed: 8, device: 'cpu', augmentedOn: 'cpu' })
  t.equal(digest(out), whole, 'steps 9 to 12 again')
  for (const name of readdirSync(join(out, 'checkpoints')))
    writeFileSync(join(out, 'checkpoints', name, 'checkpoint.json'), '')
  const error = await rejection(
    t,
    consume(pretrain({ ...config, data, out }, { resume: true })),
    'ERR_GYRUS_FILE_FORMAT',
  )
  t.match(error.message, /has no whole checkpoint/)
})

void t.test('what cannot be trained', async (t) => {
  const { data, out } = folders(t)
  const refused = (more: object): Promise<unknown> => consume(pretrain({ ...config, data, out, ...more }))
  const large = await rejection(t, refused({ batchSize: 25 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  t.match(large.message, /batchSize must be at most the 24 slices to train on, not 25/)
  await rejection(t, refused({ arch: 'vit_tiny_patch16_224', imageSize: 40 }), 'ERR_GYRUS_SHAPE')
  await rejection(t, refused({ arch: 'resnet19' }), 'ERR_GYRUS_NAME')
  await rejection(t, refused({ data: join(data, 'none') }), 'ERR_GYRUS_FILE_NOT_FOUND')
  const diverged = await rejection(
    t,
    refused({ out: `${out}-2`, baseLr: 1e30, warmupSteps: 0, optimizer: { name: 'sgd' }, saveEvery: 1 }),
    'ERR_GYRUS_NON_FINITE',
  )
  t.match(diverged.message, /lower baseLr|go back to the last/)
  const wrong = gyrus('pretrain', '--data', data)
  t.equal(wrong.status, 2)
  t.match(wrong.stderr, /out must be a string, not undefined/)
  t.equal(gyrus('pretrain', '--data', data, '--out', out, '--preset', 'none').status, 2)
})

void t.test('a plan, and features of a curated folder', async (t) => {
  const { data, out } = folders(t)
  const plan = gyrus('plan', '--data', data, ...small, '--json')
  t.equal(plan.status, 0, plan.stderr)
  const [facts] = jsonLines(plan.stdout)
  t.match(facts, { event: 'done', slices: 24, steps: 12, stepsPerEpoch: 3 })
  const number = (name: string): number => Number(facts?.[name])
  t.ok(
    number('secondsPerStep') > 0 && Math.abs(number('hours') * 3600 - 12 * number('secondsPerStep')) < 1e-9,
  )
  t.ok(number('memoryBytes') > number('parameters') * 4)

  await consume(pretrain({ ...config, data, out, steps: 2 }))
  const state = readFileSync(join(out, 'checkpoints', 'step-00000002', 'state.safetensors')).length
  t.ok(
    Math.abs(number('checkpointBytes') - state - readFileSync(join(out, 'backbone.safetensors')).length) <
      200,
  )
  const output = join(out, 'features.npy')
  const flags = ['--weights', join(out, 'backbone.safetensors'), '--arch', 'resnet18', '--image-size', '32']
  const { status, stderr } = gyrus(
    'embed',
    ...flags,
    '--input',
    data,
    '--output',
    output,
    '--batch-size',
    '7',
  )
  t.equal(status, 0, stderr)
  const features = readNpy(readFileSync(output))
  t.same(features.shape, [24, 512])
  const shards = ['0', '1', '2'].map((shard) => join(data, `slices-0000${shard}.npy`))
  await using views = await ViewLoader.open({ shards, imageSize: 32 })
  await using encoder = await Encoder.load({
    weights: join(out, 'backbone.safetensors'),
    arch: 'resnet18',
    imageSize: 32,
    channels: 1,
  })
  const x = new Float32Array(32 ** 2)
  await views.plain(Uint32Array.of(23), x)
  const last = await encoder.embed(x)
  const found = features.data.subarray(23 * 512)
  const scale = Math.max(...last.map(Math.abs))
  t.ok(
    last.every((value, at) => Math.abs(value - (found[at] ?? NaN)) < 0.02 * scale),
    'the last slice is the last row',
  )
  t.equal(gyrus('embed', ...flags, '--input', join(data, 'none'), '--output', output).status, 1)
})
