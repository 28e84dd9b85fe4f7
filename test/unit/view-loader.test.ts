// ViewLoader through the public API: batches, order, threads, and what is refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { memory, MocoTrainer, mocoViews, ViewLoader } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { tinyMocoOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'
import { shardBytes, writeCurated } from '../support/shards.js'

const options = { imageSize: 16, batchSize: 4, seed: 3 }
const elements = 4 * 16 ** 2

void t.test('the same step gives the same views, whatever the threads', async (t) => {
  const folder = writeCurated(t.testdir(), { rows: 10, size: 20, shardRows: 6 })
  const shards = [join(folder, 'slices-00000.npy'), join(folder, 'slices-00001.npy')]
  await using one = await ViewLoader.open({ ...options, shards, threads: 1 })
  await using four = await ViewLoader.open({ ...options, shards, threads: 4 })
  t.same(one.info, { slices: 10, samples: 10, stepsPerEpoch: 2, sliceSize: 20 })
  const arrays = Array.from({ length: 4 }, () => new Float32Array(elements))
  const [a1, a2, b1, b2] = arrays as [Float32Array, Float32Array, Float32Array, Float32Array]
  for (const step of [0, 1, 2, 7]) {
    t.ok((await one.fill(step, a1, a2)) > 0)
    await four.fill(step, b1, b2)
    t.same(a1, b1, `view 1 of step ${step}`)
    t.same(a2, b2, `view 2 of step ${step}`)
    t.notSame(a1, a2, 'two views differ')
  }
  const epoch = [...(await one.rowsOf(2)), ...(await one.rowsOf(3))]
  t.equal(new Set(epoch).size, 8, 'no row twice in an epoch')
})

void t.test('rows without augmentation, in one channel and in three', async (t) => {
  const folder = t.testdir()
  const shard = join(folder, 'a.npy')
  writeFileSync(
    shard,
    shardBytes(5, 8, (row) => 10_000 * row),
  )
  await using grey = await ViewLoader.open({ shards: [shard], imageSize: 4 })
  const x = new Float32Array(2 * 16)
  await grey.plain(Uint32Array.of(4, 1), x)
  t.ok(Math.abs((x[0] ?? 0) - (40_000 / 65535 - 0.449) / 0.226) < 1e-5, String(x[0]))
  t.ok(Math.abs((x[31] ?? 0) - (10_000 / 65535 - 0.449) / 0.226) < 1e-5, String(x[31]))
  await using thrice = await ViewLoader.open({ shards: [shard], imageSize: 4, channels: 3, mean: 0, std: 1 })
  const y = new Float32Array(48)
  await thrice.plain(Uint32Array.of(2), y)
  t.ok(y.every((value) => Math.abs(value - 20_000 / 65535) < 1e-6))
  const [mean, std] = [[0.485, 0.456, 0.406] as const, [0.229, 0.224, 0.225] as const]
  await using coloured = await ViewLoader.open({ shards: [shard], imageSize: 4, channels: 3, mean, std })
  await coloured.plain(Uint32Array.of(2), y)
  const wanted = mean.map((own, channel) => (20_000 / 65535 - own) / (std[channel] ?? NaN))
  t.ok(y.every((value, at) => Math.abs(value - (wanted[Math.floor(at / 16)] ?? NaN)) < 1e-6))
  await using mixed = await ViewLoader.open({ shards: [shard], imageSize: 4, channels: 3, mean, std: 1 })
  await mixed.plain(Uint32Array.of(2), y)
  t.ok(Math.abs((y[47] ?? NaN) - (20_000 / 65535 - 0.406)) < 1e-6, 'three means with one deviation')
  const narrow = ViewLoader.open({ shards: [shard], imageSize: 4, std })
  const error = await rejection(t, narrow, 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  t.match(error.message, /std must be one number with channels 1/)
})

void t.test('what cannot be', async (t) => {
  const folder = writeCurated(t.testdir(), { rows: 10, size: 20 })
  const shards = [join(folder, 'slices-00000.npy')]
  await rejection(t, ViewLoader.open({ ...options, shards: [] }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, ViewLoader.open({ ...options, shards, batchSize: 11 }), 'ERR_GYRUS_INVALID_ARGUMENT')
  const rows = Uint32Array.of(3, 10, 4, 5)
  await rejection(t, ViewLoader.open({ ...options, shards, rows }), 'ERR_GYRUS_INVALID_ARGUMENT')
  const missing = [join(folder, 'none.npy')]
  await rejection(t, ViewLoader.open({ ...options, shards: missing }), 'ERR_GYRUS_FILE_NOT_FOUND')
  const crop = { ...mocoViews()[0], crop: [0.9, 0.2] as [number, number] }
  const error = await rejection(
    t,
    ViewLoader.open({ ...options, shards, views: [crop, crop] }),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'TypeError',
  )
  t.match(error.message, /views\.0\.crop must be two rising numbers/)
  await using loader = await ViewLoader.open({ ...options, shards })
  const [x1, x2] = [new Float32Array(elements), new Float32Array(elements)]
  await rejection(t, loader.fill(0, x1, x2.subarray(1)), 'ERR_GYRUS_SHAPE', 'RangeError')
  await rejection(t, loader.fill(-1, x1, x2), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, loader.fill(0, x1, x1), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, loader.plain(Uint32Array.of(10), new Float32Array(256)), 'ERR_GYRUS_INVALID_ARGUMENT')
  const signal = AbortSignal.abort()
  await rejection(t, loader.fill(0, x1, x2, { signal }), 'ERR_GYRUS_ABORTED')
  await loader.fill(0, x1, x2)
  await loader.dispose()
  await rejection(t, loader.fill(0, x1, x2), 'ERR_GYRUS_DISPOSED')
})

void t.test('nothing is kept', async (t) => {
  const folder = writeCurated(t.testdir(), { rows: 10, size: 20 })
  const before = memory().hostBytes
  const loader = await ViewLoader.open({ ...options, shards: [join(folder, 'slices-00000.npy')] })
  await loader.dispose()
  t.equal(memory().hostBytes, before)
})

void t.test('on the CPU there is no feed, and nothing can be fed', async (t) => {
  const folder = writeCurated(t.testdir(), { rows: 10, size: 20 })
  const shards = [join(folder, 'slices-00000.npy')]
  await using loader = await ViewLoader.open({ ...options, shards })
  await using trainer = await MocoTrainer.create(tinyMocoOptions)
  t.same(loader.form, { imageSize: 16, channels: 1, mean: 0.449, std: 0.226 })
  t.equal(await trainer.openFeed(loader), undefined)
  const three = { channels: 3 as const, mean: [0.4, 0.5, 0.6] as const, std: 0.2 }
  await using coloured = await ViewLoader.open({ ...options, ...three, shards })
  await rejection(t, trainer.openFeed(coloured), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, trainer.stepFed(0, { lr: 0.1 }), 'ERR_GYRUS_INVALID_ARGUMENT')
  await rejection(t, trainer.rehearseFed(0, 0, { lr: 0.1 }), 'ERR_GYRUS_INVALID_ARGUMENT')
  await rejection(t, trainer.stepFed(-1, { lr: 0.1 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, loader.feed(0, new (native().ViewFeed)()), 'ERR_GYRUS_DISPOSED')
  await rejection(t, loader.feed(0, { isOpen: () => true }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, loader.feed(0, trainer as never), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  const signal = AbortSignal.abort()
  await rejection(t, trainer.openFeed(loader, { signal }), 'ERR_GYRUS_ABORTED')
  await rejection(t, trainer.stepFed(0, { lr: 0.1, signal }), 'ERR_GYRUS_ABORTED')
  await trainer.dispose()
  await rejection(t, trainer.openFeed(loader), 'ERR_GYRUS_DISPOSED')
})
