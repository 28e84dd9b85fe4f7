// AbortSignal: calls end early with ERR_GYRUS_ABORTED and the signal's reason; nothing half-done stays.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Encoder, memory, MocoTrainer } from '../../lib/index.js'
import { writeNpy } from '../support/files.js'
import { batchSize, encoderOptions, images, mocoOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'

const size = 224 // pixels: a step takes long enough to be interrupted
const slow = { ...mocoOptions, imageSize: size } as const

void t.test('a signal that was set before', async (t) => {
  const reason = new Error('changed my mind')
  const signal = AbortSignal.abort(reason)
  await using encoder = await Encoder.load(encoderOptions)
  const error = await rejection(t, encoder.embed(images(1), { signal }), 'ERR_GYRUS_ABORTED')
  t.equal(error.cause, reason)
  await rejection(t, Encoder.load(encoderOptions, { signal }), 'ERR_GYRUS_ABORTED')
  await rejection(t, MocoTrainer.create(mocoOptions, { signal }), 'ERR_GYRUS_ABORTED')
})

void t.test('in the middle of a step, and of one that waits', async (t) => {
  await using trainer = await MocoTrainer.create(slow)
  const path = join(t.testdir(), 'saved.safetensors')
  await trainer.save(path)
  const controller = new AbortController()
  const { signal } = controller
  const view = (phase: number) => images(batchSize, phase, size)
  const calls = [
    trainer.step(view(0), view(1), { lr: 0.1, signal }),
    trainer.step(view(2), view(3), { lr: 0.1, signal }),
  ]
  await sleep(100)
  controller.abort('enough')
  for (const call of calls) {
    const error = await rejection(t, call, 'ERR_GYRUS_ABORTED')
    t.equal(error.cause, 'enough')
  }
  const refused = await rejection(t, trainer.step(view(0), view(1), { lr: 0.1 }), 'ERR_GYRUS_ABORTED')
  t.match(refused.message, /aborted half-way; load the last saved weights/)
  await trainer.load(path)
  const { loss } = await trainer.step(view(0), view(1), { lr: 0.1 })
  t.ok(loss > 0, 'after loading, the trainer goes on')
})

void t.test('while a session is made', async (t) => {
  const controller = new AbortController()
  const { signal } = controller
  const call = Encoder.load({ ...encoderOptions, arch: 'resnet50' }, { signal })
  controller.abort()
  const error = await rejection(t, call, 'ERR_GYRUS_ABORTED')
  t.match(error.cause, { name: 'AbortError' })
})

void t.test('a file is not left behind', async (t) => {
  const folder = t.testdir()
  const input = join(folder, 'x.npy')
  const output = join(folder, 'y.npy')
  writeNpy(input, [64, 1, size, size], images(64, 0, size))
  await using encoder = await Encoder.load({ ...encoderOptions, imageSize: size })
  const controller = new AbortController()
  const seen: number[] = []
  const call = encoder.embedFile(input, output, {
    batchSize: 1,
    signal: controller.signal,
    onProgress: (done, total) => {
      seen.push(done)
      t.equal(total, 64)
      controller.abort()
    },
  })
  await rejection(t, call, 'ERR_GYRUS_ABORTED')
  t.ok(seen.length > 0, 'there was progress')
  t.notOk(existsSync(output))
})

void t.test('a signal that comes too late changes nothing, and is let go of', async (t) => {
  const controller = new AbortController()
  const { signal } = controller
  await using encoder = await Encoder.load(encoderOptions, { signal })
  const y = await encoder.embed(images(2), { signal })
  controller.abort()
  t.same(await encoder.embed(images(2)), y)
})

void t.test('nothing is left', (t) => {
  t.equal(memory().hostBytes, 0)
  t.end()
})
