// The shortest way through everything: a step of each trainer, features of an image. Any build of the addon must pass.
import { join } from 'node:path'
import t from 'tap'
import { curate, Encoder, imageEntropies, memory, MocoTrainer, SupervisedTrainer } from '../../lib/index.js'
import { drawBall, writeNifti } from '../support/nifti.js'
import { encoderOptions, images, labels, mocoOptions, supervisedOptions } from '../support/model.js'

void t.test('an encoder turns images into features', async (t) => {
  await using encoder = await Encoder.load(encoderOptions)
  t.equal(encoder.dim, 512)
  const y = await encoder.embed(images(3))
  t.equal(y.length, 3 * 512)
  t.ok(y.every(Number.isFinite))
  t.same(await encoder.embed(images(3)), y, 'the same again')
  t.equal((await encoder.embed(new Float32Array(0))).length, 0, 'no image, no feature')
})

void t.test('a MoCo step has a loss, and the second differs', async (t) => {
  await using trainer = await MocoTrainer.create(mocoOptions)
  const first = await trainer.step(images(), images(undefined, 1), { lr: 0.05 })
  const second = await trainer.step(images(), images(undefined, 1), { lr: 0.05 })
  t.ok(first.loss > 0 && Number.isFinite(first.loss))
  t.ok(first.hits >= 0 && first.hits <= 1)
  t.ok(first.seconds > 0)
  t.not(first.loss, second.loss)
})

void t.test('a supervised trainer learns its batch', async (t) => {
  await using trainer = await SupervisedTrainer.create(supervisedOptions)
  const losses: number[] = []
  for (let step = 0; step < 12; step += 1) {
    losses.push((await trainer.step(images(), labels(), { lr: 0.02 })).loss)
  }
  const [first, last] = [losses[0] ?? 0, losses.at(-1) ?? 0]
  t.ok(last < first / 2, `${first} -> ${last}`)
})

void t.test('a volume is curated', async (t) => {
  const folder = t.testdir()
  const shape = [24, 24, 16] as const
  writeNifti(join(folder, 'in', 'a.nii.gz'), shape, drawBall(shape, 1))
  let kept = 0
  for await (const event of curate({ roots: [join(folder, 'in')], out: join(folder, 'out'), size: 24 }))
    if (event.type === 'done') kept = event.kept
  t.equal(kept, 2, 'an eighth of 16 slices')
  const [flat, halves] = await imageEntropies(Uint8Array.of(7, 7, 7, 7, 0, 255, 0, 255), 2)
  t.same([flat, halves], [0, 1])
})

void t.test('memory goes up and comes back to nothing', async (t) => {
  const encoder = await Encoder.load(encoderOptions)
  const { hostBytes, peakHostBytes } = memory()
  t.ok(hostBytes > 0)
  t.ok(peakHostBytes >= hostBytes)
  await encoder.dispose()
  t.equal(memory().hostBytes, 0)
})
