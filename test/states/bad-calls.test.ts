// Bad calls, one row each: what is passed, and the class and code of the rejection.
import { writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  Encoder,
  memory,
  MocoTrainer,
  npyInfo,
  SupervisedTrainer,
  type ErrorCode,
  type LoadReport,
} from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { readSafetensors, writeNpy, writeSafetensors } from '../support/files.js'
import {
  batchSize,
  encoderOptions,
  images,
  imageSize,
  labels,
  mocoOptions,
  supervisedOptions,
} from '../support/model.js'
import { rejection } from '../support/rejection.js'

type Row = [what: string, value: unknown, name: 'TypeError' | 'RangeError', code: ErrorCode, message: RegExp]

function detached(array: Float32Array): Float32Array {
  structuredClone(array, { transfer: [array.buffer as ArrayBuffer] })
  return array
}

function shared(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4))
}

function resizable(length: number): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer
  return new Float32Array(new Resizable(length * 4, { maxByteLength: length * 8 }))
}

const count = batchSize * imageSize * imageSize
const arrays: Row[] = [
  [
    'nothing',
    undefined,
    'TypeError',
    'ERR_GYRUS_INVALID_ARGUMENT',
    /is undefined; it must be a Float32Array/,
  ],
  ['null', null, 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /is null/],
  ['a number', 7, 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /is a number/],
  ['a plain array', [1, 2], 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /is an array/],
  ['a promise', Promise.resolve(), 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /is an await missing/],
  ['another type', new Float64Array(count), 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /is a Float64Array/],
  ['an ArrayBuffer', new ArrayBuffer(count * 4), 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /is an object/],
  ['shared', shared(count), 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /SharedArrayBuffer.*copy it/],
  ['resizable', resizable(count), 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /resizable ArrayBuffer/],
  ['detached', detached(images()), 'TypeError', 'ERR_GYRUS_INVALID_ARGUMENT', /detached/],
  ['one too few', new Float32Array(count - 1), 'RangeError', 'ERR_GYRUS_SHAPE', /4095 elements/],
]

void t.test('Encoder.embed', async (t) => {
  await using encoder = await Encoder.load(encoderOptions)
  for (const [what, value, name, code, message] of arrays) {
    const error = await rejection(t, encoder.embed(value as Float32Array), code, name)
    t.match(error.message, message, what)
  }
  const unknown = { sgnal: undefined } as object
  t.match(
    (await rejection(t, encoder.embed(images(1), unknown), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError'))
      .message,
    /'signal'/,
  )
  t.equal((await encoder.embed(images(1))).length, 512, 'and it still works')
})

void t.test('MocoTrainer.step', async (t) => {
  await using trainer = await MocoTrainer.create(mocoOptions)
  for (const [what, value, name, code, message] of arrays) {
    const x = value as Float32Array
    t.match(
      (await rejection(t, trainer.step(x, images(), { lr: 0 }), code, name)).message,
      message,
      `x1: ${what}`,
    )
    t.match(
      (await rejection(t, trainer.step(images(), x, { lr: 0 }), code, name)).message,
      message,
      `x2: ${what}`,
    )
  }
  const steps: [object, 'TypeError' | 'RangeError', RegExp][] = [
    [{}, 'TypeError', /MocoTrainer.step: lr must be a number, not undefined/],
    [{ lr: -1 }, 'RangeError', /lr must be at least 0/],
    [{ lr: NaN }, 'TypeError', /lr must be a number, not NaN/],
    [{ lr: 0, momentum: 2 }, 'RangeError', /momentum must be at most 1/],
    [{ lr: 0, signal: {} }, 'TypeError', /signal must be an AbortSignal/],
  ]
  for (const [options, name, message] of steps) {
    const call = trainer.step(images(), images(), options as { lr: number })
    t.match((await rejection(t, call, 'ERR_GYRUS_INVALID_ARGUMENT', name)).message, message)
  }
  t.type((await trainer.step(images(), images(undefined, 1), { lr: 0 })).loss, 'number', 'and it still works')
})

void t.test('SupervisedTrainer.step', async (t) => {
  await using trainer = await SupervisedTrainer.create(supervisedOptions)
  for (const [what, value, name, code, message] of arrays) {
    const call = trainer.step(value as Float32Array, labels(), { lr: 0 })
    t.match((await rejection(t, call, code, name)).message, message, what)
  }
  const rows: Row[] = [
    [
      'floats',
      new Float32Array(batchSize),
      'TypeError',
      'ERR_GYRUS_INVALID_ARGUMENT',
      /labels is a Float32Array; it must be an Int32Array/,
    ],
    [
      'too few',
      labels(batchSize - 1),
      'RangeError',
      'ERR_GYRUS_SHAPE',
      /labels has 3 elements; batchSize = 4/,
    ],
    [
      'negative',
      Int32Array.of(0, 1, -1, 0),
      'RangeError',
      'ERR_GYRUS_INVALID_ARGUMENT',
      /labels\[2\] is -1; with 3 classes/,
    ],
    [
      'too large',
      Int32Array.of(0, 1, 2, 3),
      'RangeError',
      'ERR_GYRUS_INVALID_ARGUMENT',
      /labels\[3\] is 3; with 3 classes/,
    ],
  ]
  for (const [what, value, name, code, message] of rows) {
    const call = trainer.step(images(), value as Int32Array, { lr: 0 })
    t.match((await rejection(t, call, code, name)).message, message, what)
  }
})

void t.test('models that cannot be', async (t) => {
  const create = (options: object) => MocoTrainer.create({ ...mocoOptions, ...options })
  const name = await rejection(t, create({ arch: 'resnet51' }), 'ERR_GYRUS_NAME')
  t.match(name.message, /resnet51.*resnet50/s, 'the nearest name is suggested')
  await rejection(t, create({ arch: 'vit_tiny_patch16_224', imageSize: 30 }), 'ERR_GYRUS_SHAPE')
  await rejection(t, create({ batchSize: 1 }), 'ERR_GYRUS_BATCH_TOO_SMALL')
  await rejection(t, create({ threads: 100_000 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, create({ device: 'cuda' }), 'ERR_GYRUS_CUDA_UNAVAILABLE')
  await rejection(t, create({ batchSize: 2 ** 30, imageSize: 4096 }), 'ERR_GYRUS_OUT_OF_MEMORY')
})

void t.test('an encoder of images that are too large', async (t) => {
  const load = (options: object) =>
    Encoder.load({ ...encoderOptions, arch: 'vit_base_patch16_224', ...options })
  // Positions of 48 GiB, images of 16 or of 48: no machine is asked for them.
  for (const channels of [1, 3]) {
    process.env['GYRUS_MEMORY_LIMIT'] = '4G'
    const start = performance.now()
    const { message } = await rejection(t, load({ imageSize: 65536, channels }), 'ERR_GYRUS_OUT_OF_MEMORY')
    delete process.env['GYRUS_MEMORY_LIMIT']
    t.match(message, /65536, ?65536.*(smaller batchSize or imageSize|take smaller images)/s)
    t.ok(performance.now() - start < 2000, 'at once')
  }
  await rejection(t, load({ imageSize: 2 ** 31 - 16 }), 'ERR_GYRUS_OUT_OF_MEMORY')
  t.equal(memory().hostBytes, 0)
})

void t.test('threads of native sessions, past the options that say so first', async (t) => {
  const device = { device: 'cpu', precision: 'f32', threads: 100_000 } as const
  const trained = { heads: 0, hasZeroInitResidual: false, hasTrainablePositions: false }
  const encoder = { arch: 'resnet18', imageHeight: 32, imageWidth: 32, channels: 1, ...trained }
  const session = new (native().Encoder)()
  const request = { encoder: { ...encoder, hasFrozenPatchProjection: false }, device, weights: '', seed: 1 }
  const { message } = await rejection(t, session.open(request), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  t.match(message, /threads must be an integer from 0 to 1024, not 100000/)
  await session.dispose()
})

void t.test('weights that cannot be', async (t) => {
  const folder = t.testdir()
  const good = join(folder, 'good.safetensors')
  const path = join(folder, 'bad.safetensors')
  const load = (weights: string) => Encoder.load({ ...encoderOptions, seed: undefined, weights })
  {
    await using trainer = await SupervisedTrainer.create(supervisedOptions)
    await trainer.save(good)
  }
  const encoder = await load(good)
  t.same(encoder.loadReport.missing, [])
  t.same(encoder.loadReport.misshapen, [])
  t.ok(encoder.loadReport.matched.includes('conv1.weight'))
  await encoder.dispose()

  t.match((await rejection(t, load(join(folder, 'none')), 'ERR_GYRUS_FILE_NOT_FOUND')).message, /none/)
  writeFileSync(path, 'not safetensors')
  t.match((await rejection(t, load(path), 'ERR_GYRUS_FILE_FORMAT')).message, /bad.safetensors/)
  writeFileSync(path, readFileSync(good).subarray(0, 100_000))
  await rejection(t, load(path), 'ERR_GYRUS_FILE_FORMAT')

  const tensors = readSafetensors(readFileSync(good))
  const first = tensors['conv1.weight']
  if (first === undefined) throw new Error('the saved file has no conv1.weight')
  first.data[3] = NaN
  writeSafetensors(path, tensors)
  t.match((await rejection(t, load(path), 'ERR_GYRUS_NON_FINITE')).message, /conv1.weight/)
  first.data[3] = 0
  first.shape = [64, 1, 49, 1]
  writeSafetensors(path, tensors)
  t.match((await rejection(t, load(path), 'ERR_GYRUS_WEIGHTS_MISMATCH')).message, /conv1.weight/)
  delete tensors['conv1.weight']
  for (let at = 0; at < 9; at += 1) tensors[`strange.${at}`] = { ...first, shape: [64 * 49] }
  writeSafetensors(path, tensors)
  const error = await rejection(t, load(path), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  const { message, report }: { message: string; report?: LoadReport } = error
  t.match(message, /conv1.weight.*9 unexpected: "strange.0", .* 4 more; left aside: 2 \(a head/s)
  t.same(report?.missing, ['conv1.weight'], 'the error has every name')
  t.equal(report?.unexpected.length, 9)
  t.equal(report?.matched.length, 99)
  t.same(report?.ignored.map(({ name }) => name).sort(), ['fc.bias', 'fc.weight'])
})

void t.test('files that cannot be', async (t) => {
  const folder = t.testdir({ 'text.npy': 'no array' })
  const flat = join(folder, 'flat.npy')
  writeNpy(flat, [8], new Float32Array(8))
  await using trainer = await MocoTrainer.create(mocoOptions)
  await rejection(t, trainer.save(join(folder, 'no', 'folder', 'x')), 'ERR_GYRUS_FILE_NOT_FOUND')
  await rejection(t, trainer.load(''), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, trainer.load('a\0b'), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, trainer.save(7 as unknown as string), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, npyInfo(join(folder, 'text.npy')), 'ERR_GYRUS_FILE_FORMAT')
  await rejection(t, npyInfo(undefined as unknown as string), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  t.same(await npyInfo(flat), { shape: [8], dtype: '<f4' })

  await using encoder = await Encoder.load(encoderOptions)
  const output = join(folder, 'out.npy')
  await rejection(t, encoder.embedFile(flat, output), 'ERR_GYRUS_SHAPE')
  await rejection(
    t,
    encoder.embedFile(7 as unknown as string, output),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'TypeError',
  )
  await rejection(
    t,
    encoder.embedFile(flat, undefined as unknown as string),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'TypeError',
  )
})
