// Buffers are lent to one call at a time; what is lent and changed is noticed.
import t from 'tap'
import { Encoder, MocoTrainer } from '../../lib/index.js'
import { batchSize, encoderOptions, images, imageSize, mocoOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'

void t.test('a buffer is lent to one call at a time', async (t) => {
  await using trainer = await MocoTrainer.create(mocoOptions)
  const [x1, x2] = [images(), images(undefined, 1)]
  const first = trainer.step(x1, x2, { lr: 0 })
  const error = await rejection(t, trainer.step(x1, images(), { lr: 0 }), 'ERR_GYRUS_BUSY')
  t.match(error.message, /^x1 is memory that an earlier call still reads/)
  await first
  await t.resolves(trainer.step(x1, x2, { lr: 0 }), 'afterwards it is free again')
})

void t.test('across sessions, and by bytes rather than objects', async (t) => {
  await using one = await Encoder.load(encoderOptions)
  await using other = await Encoder.load(encoderOptions)
  const pixels = imageSize * imageSize
  const memory = images(4)
  const calls = [one.embed(memory.subarray(0, 2 * pixels)), other.embed(memory.subarray(2 * pixels))]
  await rejection(t, one.embed(memory.subarray(pixels, 2 * pixels)), 'ERR_GYRUS_BUSY')
  const results = await Promise.all(calls)
  t.same(
    results.map((y) => y.length),
    [2 * one.dim, 2 * other.dim],
    'neighbouring parts do not collide',
  )
})

void t.test('both views may be the same buffer', async (t) => {
  await using trainer = await MocoTrainer.create(mocoOptions)
  const x = images()
  await t.resolves(trainer.step(x, x, { lr: 0 }))
  await t.resolves(trainer.step(x, x, { lr: 0 }))
})

void t.test('a call that was refused lends nothing', async (t) => {
  await using trainer = await MocoTrainer.create(mocoOptions)
  const x = images()
  await rejection(t, trainer.step(x, new Float32Array(3), { lr: 0 }), 'ERR_GYRUS_SHAPE', 'RangeError')
  await t.resolves(trainer.step(x, images(), { lr: 0 }))
})

void t.test('a buffer that is transferred away meanwhile makes the call fail', async (t) => {
  await using encoder = await Encoder.load(encoderOptions)
  const x = images(8)
  const call = encoder.embed(x)
  const moved = structuredClone(x, { transfer: [x.buffer as ArrayBuffer] })
  const error = await rejection(t, call, 'ERR_GYRUS_BUSY')
  t.match(error.message, /detached/)
  t.equal(moved.length, 8 * imageSize * imageSize)
})

void t.test('getters among the arguments may do what they like', async (t) => {
  await using trainer = await MocoTrainer.create(mocoOptions)
  let inner: Promise<unknown> | undefined
  const options = {
    get lr() {
      inner ??= trainer.step(images(), images(), { lr: 0 })
      return 0
    },
  }
  await trainer.step(images(), images(), options)
  await t.resolves(inner ?? Promise.reject(new Error('the getter did not run')))

  const x = images()
  Object.defineProperty(x.buffer, 'resizable', {
    get() {
      structuredClone(x, { transfer: [x.buffer as ArrayBuffer] })
      return false
    },
  })
  await rejection(t, trainer.step(x, images(batchSize), { lr: 0 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')

  const doomed = await MocoTrainer.create(mocoOptions)
  const y = images()
  let disposal: Promise<void> | undefined
  Object.defineProperty(y.buffer, 'resizable', {
    get() {
      disposal ??= doomed.dispose()
      return false
    },
  })
  await rejection(t, doomed.step(y, images(), { lr: 0 }), 'ERR_GYRUS_DISPOSED')
  await disposal
})
