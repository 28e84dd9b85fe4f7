// The parts of pretraining that need no engine: configuration, schedules, logs, checkpoints, folders, labels, events.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { presets } from '../../lib/index.js'
import { pretrainFields } from '../../lib/options/pretrain.js'
import { Checkpoints } from '../../lib/pretrain/checkpoints.js'
import { resolveConfig } from '../../lib/pretrain/config.js'
import { readConfig } from '../../lib/run/config-file.js'
import { crc32c } from '../../lib/pretrain/event-file.js'
import { pretrainJsonSchema } from '../../lib/pretrain/json-schema.js'
import { JsonLines, readLines } from '../../lib/run/json-lines.js'
import { openRunFolder } from '../../lib/pretrain/run-folder.js'
import { chanceLoss, encoderMomentumAt, learningRateAt, makeSchedule } from '../../lib/pretrain/schedule.js'
import { CollapseSentinel } from '../../lib/pretrain/sentinel.js'
import { readCurated, rowsOf } from '../../lib/slices/curated.js'
import { readLabels } from '../../lib/slices/labels.js'

import { rejection } from '../support/rejection.js'
import { shardBytes, writeCurated } from '../support/shards.js'

const required = { data: 'data', out: 'out' }

void t.test('every preset is a whole configuration', (t) => {
  for (const preset of Object.keys(presets)) {
    const settings = resolveConfig({ ...required, preset })
    t.ok(settings.epochs !== undefined, preset)
    t.equal(settings.channels, 1)
  }
  t.end()
})

void t.test('what a caller says goes before the preset', (t) => {
  const settings = resolveConfig({
    ...required,
    preset: 'mocov3-resnet50',
    steps: 100,
    optimizer: { name: 'lars', momentum: 0.8 },
    cropMin: 0.5,
  })
  t.equal(settings.epochs, undefined, 'steps stand for epochs')
  t.equal(settings.warmupEpochs, undefined)
  t.match(settings.optimizer, { name: 'lars', momentum: 0.8, weightDecay: 1e-6 })
  t.same(settings.views[0].crop, [0.5, 1])
  t.match(resolveConfig({ ...required, optimizer: { name: 'sgd' } }).optimizer, {
    name: 'sgd',
    weightDecay: 0,
  })
  t.equal(resolveConfig({ ...required, arch: 'mocov3_vit_small' }).batchSize, 1024, 'the preset of its kind')
  const parts = (more: object): unknown =>
    resolveConfig({ ...required, preset: 'mocov3-resnet50', ...more }).microBatch
  t.equal(parts({}), 64, 'a batch of 4096 comes in parts')
  t.equal(parts({ batchSize: 1024 }), 64)
  t.equal(parts({ batchSize: 16 }), undefined, 'the parts were of the other batch')
  t.equal(parts({ batchSize: 96 }), undefined)
  t.equal(parts({ microBatch: 128 }), 128)
  const refused = (config: object, pattern: RegExp): void => {
    t.throws(() => resolveConfig({ ...required, ...config }), {
      code: 'ERR_GYRUS_INVALID_ARGUMENT',
      message: pattern,
    })
  }
  refused({ preset: 'mocov3-resnet5' }, /did you mean 'mocov3-resnet50'/)
  refused({ temperture: 1 }, /did you mean 'temperature'/)
  refused({ cropMin: 0 }, /cropMin/)
  refused({ epochs: 1, steps: 1 }, /epochs must be left out/)
  refused({ batchSize: 0 }, /batchSize must be at least 1/)
  t.end()
})

void t.test('configuration files', async (t) => {
  const folder = t.testdir({
    'a.yaml': 'preset: cpu-resnet18\nbatchSize: 8\nprojector: { hidden: 4 }\n',
    'b.json': '{"batchSize": 9}',
    'bad.yaml': 'a: [1',
    'list.yaml': '- 1',
  })
  t.same(await readConfig(join(folder, 'a.yaml')), {
    preset: 'cpu-resnet18',
    batchSize: 8,
    projector: { hidden: 4 },
  })
  t.same(await readConfig(join(folder, 'b.json')), { batchSize: 9 })
  await rejection(t, readConfig(join(folder, 'bad.yaml')), 'ERR_GYRUS_FILE_FORMAT')
  await rejection(t, readConfig(join(folder, 'list.yaml')), 'ERR_GYRUS_FILE_FORMAT')
  await rejection(t, readConfig(join(folder, 'none')), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('the published schema knows what the parser knows', (t) => {
  const schema = pretrainJsonSchema() as {
    properties: Record<string, { description?: string; enum?: string[] }>
    additionalProperties: boolean
    required?: string[]
  }
  t.equal(schema.additionalProperties, false, 'unknown keys are errors')
  t.equal(schema.required, undefined, 'presets, flags and defaults give what a file leaves out')
  const known = [...Object.keys(pretrainFields), '$schema', 'preset', 'cropMin'].sort()
  t.same(Object.keys(schema.properties).sort(), known)
  t.same(schema.properties['preset']?.enum, Object.keys(presets))
  t.ok(schema.properties['arch']?.enum?.includes('resnet50'))
  for (const [name, { description }] of Object.entries(schema.properties))
    if (name !== 'optimizer') t.ok(description, `${name} is explained`)
  t.end()
})

void t.test('schedules', (t) => {
  const settings = resolveConfig({ ...required, preset: 'mocov3-resnet50' })
  const schedule = makeSchedule(settings, 100)
  t.match(schedule, { steps: 10_000, warmupSteps: 1000, saveEvery: 100 })
  t.ok(Math.abs(schedule.peakLr - 9.6) < 1e-12, "the recipe's peak")
  t.equal(learningRateAt(0, schedule, 0), 0)
  t.ok(Math.abs(learningRateAt(500, schedule, 0) - 4.8) < 1e-12)
  t.ok(Math.abs(learningRateAt(1000, schedule, 0) - 9.6) < 1e-12)
  t.ok(Math.abs(learningRateAt(5500, schedule, 0) - 4.8) < 1e-12, 'half-way down')
  t.ok(learningRateAt(9999, schedule, 0) < 1e-5)
  t.equal(learningRateAt(0, schedule, 3e-5), 3e-5, "solo-learn's start")
  t.ok(Math.abs(encoderMomentumAt(0, 10_000, settings) - 0.99) < 1e-12)
  t.ok(Math.abs(encoderMomentumAt(5000, 10_000, settings) - 0.995) < 1e-12)
  t.equal(encoderMomentumAt(5000, 10_000, { ...settings, momentumSchedule: 'constant' }), 0.99)
  t.ok(Math.abs(chanceLoss(settings) - 33.27) < 0.01, 'science: 4 tau ln N')
  t.throws(() => makeSchedule({ ...settings, steps: 10, epochs: undefined, warmupEpochs: 10 }, 100), {
    code: 'ERR_GYRUS_INVALID_ARGUMENT',
  })
  t.end()
})

void t.test('logs go on behind the step that they are told', async (t) => {
  const path = join(t.testdir(), 'log.jsonl')
  const first = await JsonLines.open<{ step: number; x: number }>(path, 0)
  for (const step of [1, 2, 3]) await first.append({ step, x: step / 3 })
  await first.sync()
  await first.close()
  const whole = readFileSync(path)
  appendFileSync(path, '{"step":4,"x":') // cut off
  t.equal((await readLines(path)).length, 3)
  const second = await JsonLines.open<{ step: number; x: number }>(path, 2)
  await second.append({ step: 3, x: 1 })
  await second.close()
  t.same(readFileSync(path), whole)
  const error = await rejection(t, JsonLines.open(path, 5), 'ERR_GYRUS_FILE_FORMAT')
  t.match(error.message, /has 3 of the first 5 steps/)
  t.equal((await readLines(path)).length, 3, 'nothing was lost')
})

async function take(...parameters: Parameters<typeof openRunFolder>): ReturnType<typeof openRunFolder> {
  const folder = await openRunFolder(...parameters)
  await folder.begin()
  return folder
}

async function save(checkpoints: Checkpoints, step: number, badLooks = 0): Promise<string> {
  const write = async (folder: string): Promise<void> => {
    await writeFile(join(folder, 'a'), `a ${step}`)
    await writeFile(join(folder, 'b'), 'b'.repeat(100_000))
  }
  const { path } = await checkpoints.save(step, ['a', 'b'], write, badLooks)
  return path
}

void t.test('checkpoints: the newest whole one', async (t) => {
  const run = t.testdir()
  const checkpoints = new Checkpoints(run, 2)
  t.same(await checkpoints.newest(), { found: undefined, good: undefined, damaged: [] })
  for (const step of [1, 2, 3]) await save(checkpoints, step)
  t.same(readdirSync(join(run, 'checkpoints')).sort(), ['step-00000002', 'step-00000003'], 'two are kept')
  t.equal(readFileSync(join(run, 'latest'), 'utf8'), 'checkpoints/step-00000003\n')
  t.equal((await checkpoints.newest()).found?.step, 3)
  // One byte of the newest one changes.
  const file = join(run, 'checkpoints', 'step-00000003', 'b')
  const bytes = readFileSync(file)
  bytes[50_000] = 0
  writeFileSync(file, bytes)
  const { found, damaged } = await checkpoints.newest()
  t.equal(found?.step, 2)
  t.match(damaged, [/step-00000003\/b is not as it was written/])
  // The one before loses a file, or its list.
  writeFileSync(join(run, 'checkpoints', 'step-00000002', 'checkpoint.json'), '{')
  t.match((await checkpoints.newest()).damaged, [/step-00000003/, /no readable checkpoint\.json/])
  // A run that goes on from an older one removes what it left behind.
  await save(checkpoints, 1)
  t.same(readdirSync(join(run, 'checkpoints')), ['step-00000001'])
})

void t.test('checkpoints of embeddings that looked collapsed push no good ones out', async (t) => {
  const run = t.testdir()
  const checkpoints = new Checkpoints(run, 2)
  for (const step of [1, 2]) await save(checkpoints, step)
  for (const step of [3, 4]) await save(checkpoints, step, step - 2)
  const steps = (): string[] => readdirSync(join(run, 'checkpoints')).map((name) => name.slice(-1))
  t.same(steps(), ['1', '2', '4'], 'beside them, and the newest alone')
  t.match(await checkpoints.newest(), { found: { step: 4, badLooks: 2 }, good: { step: 2, badLooks: 0 } })
  await save(checkpoints, 5)
  t.same(steps(), ['2', '5'])
})

void t.test('a save that fails leaves what was there', async (t) => {
  const run = t.testdir()
  const checkpoints = new Checkpoints(run, 2)
  await save(checkpoints, 1)
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  const failing = checkpoints.save(2, ['a'], async (folder) => {
    await writeFile(join(folder, 'a'), 'half')
    throw full
  })
  const error = await rejection(t, failing, 'ERR_GYRUS_FILE_IO')
  t.match(error.message, /the disk is full/)
  t.same(readdirSync(join(run, 'checkpoints')), ['step-00000001'])
  t.equal((await checkpoints.newest()).found?.step, 1)
})

function folderOf(t: Test): { out: string; config: Parameters<typeof openRunFolder>[0] } {
  const out = join(t.testdir(), 'run')
  return { out, config: { settings: resolveConfig({ data: 'd', out }), fingerprint: 'one' } }
}

void t.test('a run folder belongs to one run', async (t) => {
  const { out, config } = folderOf(t)
  const plain = { resume: false, overwrite: false }
  const first = await take(config, plain)
  t.equal(first.isContinued, false)
  const busy = await rejection(t, openRunFolder(config, { ...plain, resume: true }), 'ERR_GYRUS_BUSY')
  t.match(busy.message, /is in use by another run/)
  await first.close()
  await rejection(t, openRunFolder(config, plain), 'ERR_GYRUS_FILE_IO')
  const again = await openRunFolder(config, { ...plain, resume: true })
  t.equal(again.isContinued, true)
  await again.close()
  const changed = { ...config, settings: { ...config.settings, temperature: 0.5 } }
  const error = await rejection(
    t,
    openRunFolder(changed, { ...plain, resume: true }),
    'ERR_GYRUS_INVALID_ARGUMENT',
  )
  t.match(error.message, /temperature was 0\.2, is 0\.5/)
  const moved = { ...config, settings: { ...config.settings, threads: 3, keepCheckpoints: 5 } }
  await (await openRunFolder(moved, { ...plain, resume: true })).close()
  const other = { ...config, fingerprint: 'two' }
  await rejection(t, openRunFolder(other, { ...plain, resume: true }), 'ERR_GYRUS_INVALID_ARGUMENT')
  writeFileSync(join(out, 'notes.txt'), 'mine')
  mkdirSync(join(out, 'checkpoints', 'step-00000001'), { recursive: true })
  const untouched = await openRunFolder(other, { ...plain, overwrite: true })
  await untouched.close()
  t.ok(existsSync(join(out, 'checkpoints')), 'nothing goes before the run begins')
  await (await take(other, { ...plain, overwrite: true })).close()
  t.same(readdirSync(out).sort(), ['config.json', 'notes.txt'], 'only its own files go')
})

void t.test('a lock of a process that is gone is taken over', async (t) => {
  const { out, config } = folderOf(t)
  mkdirSync(out, { recursive: true })
  const { hostname } = await import('node:os')
  // This process's number, but another beginning: the number was given anew.
  writeFileSync(join(out, 'run.lock'), `${hostname()} ${process.pid} 1\n`)
  const opened = await openRunFolder(config, { resume: false, overwrite: false })
  await opened.close()
  t.notOk(existsSync(join(out, 'run.lock')))
})

void t.test('collapse is seen after so many looks, and not before', (t) => {
  const sentinel = new CollapseSentinel({ std: 0.05, rank: 1.5, checks: 3 })
  const dead = { std: 0.01, effectiveRank: 1.1, alignment: 0, uniformity: 0 }
  sentinel.look(dead, 1, undefined)
  sentinel.look(dead, 2, undefined)
  t.notOk(sentinel.isGood)
  sentinel.look({ ...dead, std: 0.9 }, 3, undefined)
  t.ok(sentinel.isGood)
  sentinel.look(dead, 4, undefined)
  sentinel.look(dead, 5, undefined)
  t.throws(
    () => {
      sentinel.look(dead, 6, 'run/checkpoints/step-3')
    },
    { code: 'ERR_GYRUS_COLLAPSED', message: /the last good checkpoint is run\/checkpoints\/step-3/ },
  )
  const continued = new CollapseSentinel({ std: 0.05, rank: 1.5, checks: 3 })
  continued.restore(2)
  t.throws(() => {
    continued.look(dead, 5, undefined)
  }, /have collapsed/)
  const ending = new CollapseSentinel({ std: 0.05, rank: 1.5, checks: 3 })
  t.throws(() => {
    ending.look(dead, 6, undefined, true)
  }, /there is no earlier checkpoint/)
  t.end()
})

void t.test('curated folders that are whole, and others', async (t) => {
  const folder = writeCurated(t.testdir(), {
    rows: 9,
    size: 8,
    shardRows: 4,
    split: (row) => (row < 6 ? 'train' : 'val'),
  })
  const slices = await readCurated(folder)
  t.equal(slices.count, 9)
  t.equal(slices.shards.length, 3)
  t.same([...rowsOf(slices, 'val')], [6, 7, 8])
  t.equal(rowsOf(slices, 'all').length, 9)
  writeFileSync(join(folder, 'slices-00002.npy'), 'short')
  await rejection(t, readCurated(folder), 'ERR_GYRUS_FILE_FORMAT')
  writeFileSync(join(folder, 'curation.json'), '{"kept": 8, "fingerprint": "x", "settings": {"size": 8}}')
  const error = await rejection(t, readCurated(folder), 'ERR_GYRUS_FILE_FORMAT')
  t.match(error.message, /the manifest has 9 kept slices, curation\.json 8/)
  writeFileSync(join(folder, 'manifest.parquet'), 'PAR1')
  await rejection(t, readCurated(folder), 'ERR_GYRUS_FILE_FORMAT')
  await rejection(t, readCurated(join(folder, 'none')), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('a manifest that says of slices what is not in the shards', async (t) => {
  const shape = { rows: 9, size: 8, shardRows: 4 }
  const refused = async (what: object, pattern: RegExp): Promise<string> => {
    const folder = writeCurated(t.testdir(), { ...shape, ...what })
    const error = await rejection(t, readCurated(folder), 'ERR_GYRUS_FILE_FORMAT')
    t.match(error.message, pattern)
    t.match(error.message, /run `gyrus curate` into it again/)
    return folder
  }
  await refused(
    { place: (row: number) => 3 - (row % 4) },
    /row 3 of slices-00000\.npy where row 0 must follow/,
  )
  await refused({ place: (row: number) => Math.min(2, row % 4) }, /row 2 of slices-00000\.npy where row 3/)
  const folder = writeCurated(t.testdir(), shape)
  writeFileSync(
    join(folder, 'slices-00001.npy'),
    shardBytes(5, 8, () => 0),
  )
  const longer = await rejection(t, readCurated(folder), 'ERR_GYRUS_FILE_FORMAT')
  t.match(longer.message, /slices-00001\.npy holds \[5, 8, 8\] of <u2, by the manifest \[4, 8, 8\]/)
})

void t.test('labels find their slices', async (t) => {
  const folder = writeCurated(t.testdir(), { rows: 6, size: 8 })
  const slices = await readCurated(folder)
  const path = join(folder, 'labels.csv')
  writeFileSync(path, 'subject,label\nsubject-2,tumour\nsubject-0,none\n"subject-9",tumour\n')
  t.same(await readLabels(path, slices), {
    classes: ['none', 'tumour'],
    rows: Uint32Array.of(0, 1, 4, 5),
    labels: Int32Array.of(0, 0, 1, 1),
  })
  const refused = async (text: string, pattern: RegExp): Promise<void> => {
    writeFileSync(path, text)
    t.match((await rejection(t, readLabels(path, slices), 'ERR_GYRUS_FILE_FORMAT')).message, pattern)
  }
  await refused('subject,label\nsubject-2,tumour\n', /1 different labels, and two are needed/)
  await refused('label\na\n', /must have a column 'label' and some of/)
  await refused('subjekt,index,label\na,1,b\n', /did you mean 'subject'/)
  await refused('subject,label\n"a,b\n', /is no CSV/)
  await rejection(t, readLabels(join(folder, 'none'), slices), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('the checksum of event files', (t) => {
  // RFC 3720, appendix B.4.
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  t.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  t.end()
})
