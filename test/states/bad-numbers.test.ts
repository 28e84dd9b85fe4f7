// NaN in weights and in images, and batch statistics of one value: every session says the same of the same fault.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, memory, MocoTrainer, SimclrTrainer, SupervisedTrainer } from '../../lib/index.js'
import { writeNpy } from '../support/files.js'
import {
  encoderOptions,
  images,
  imageSize,
  labels,
  mocoOptions,
  supervisedOptions,
} from '../support/model.js'
import { rejection } from '../support/rejection.js'

const pixels = imageSize * imageSize
// timm's network for tests
const small = { arch: 'test_vit' as 'vit_tiny_patch16_224' } as const

/** Writes NaN over a number of a tensor of a safetensors file, and leaves all else as it is. */
function spoil(path: string, tensor: string): void {
  const bytes = readFileSync(path)
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { data_offsets: [number, number] }
  >
  const offsets = header[tensor]?.data_offsets
  if (offsets === undefined) throw new Error(`${path} has no ${tensor}`)
  bytes.writeFloatLE(NaN, start + offsets[0] + 4)
  writeFileSync(path, bytes)
}

void t.test('weights that hold NaN', async (t) => {
  const folder = t.testdir()
  const weights = join(folder, 'w.safetensors')
  const state = join(folder, 's.safetensors')
  await using supervised = await SupervisedTrainer.create({ ...supervisedOptions, ...small })
  await using moco = await MocoTrainer.create({ ...mocoOptions, ...small })
  await using simclr = await SimclrTrainer.create({ ...mocoOptions, ...small })
  const others = [
    () => Encoder.load({ ...encoderOptions, ...small, seed: undefined, weights }),
    () => supervised.loadBackbone(weights),
  ]
  const rows = [
    { trainer: supervised, tensor: 'blocks.0.attn.qkv.weight', more: others },
    { trainer: moco, tensor: 'momentum_encoder.blocks.5.mlp.fc1.bias', more: [] },
    { trainer: simclr, tensor: 'base_encoder.norm.weight', more: [] },
  ]
  for (const { trainer, tensor, more } of rows) {
    await trainer.save(weights)
    await trainer.saveState(state)
    spoil(weights, tensor)
    spoil(state, tensor)
    for (const call of [() => trainer.load(weights), () => trainer.loadState(state), ...more]) {
      const { message } = await rejection(t, call(), 'ERR_GYRUS_NON_FINITE')
      t.match(message, new RegExp(`[ws].safetensors: tensor "${tensor}" .* holds NaN at index`))
    }
    await trainer.saveState(state)
    const slot = `optimizer.momentum_buffer.${tensor.replace('momentum_encoder', 'base_encoder')}`
    spoil(state, slot)
    t.match((await rejection(t, trainer.loadState(state), 'ERR_GYRUS_NON_FINITE')).message, `"${slot}"`)
  }
  const x = images()
  t.ok(Number.isFinite((await supervised.step(x, labels(), { lr: 0 })).loss), 'and nothing was taken over')
  t.ok(Number.isFinite((await moco.step(x, images(undefined, 1), { lr: 0 })).loss))
})

void t.test('images that hold NaN or infinity', async (t) => {
  await using encoder = await Encoder.load(encoderOptions)
  await using supervised = await SupervisedTrainer.create(supervisedOptions)
  const folder = t.testdir()
  for (const [bad, arch] of [
    [NaN, 'resnet18'],
    [Infinity, small.arch],
  ] as const) {
    const x = images(35)
    x[33 * pixels + 5] = bad
    await using other = await Encoder.load({ ...encoderOptions, arch })
    const expected = /image 33 holds NaN or infinity, first in its number 5/
    t.match((await rejection(t, other.embed(x), 'ERR_GYRUS_NON_FINITE')).message, expected)
    t.match((await rejection(t, supervised.predict(x), 'ERR_GYRUS_NON_FINITE')).message, expected)
    const [input, output] = [join(folder, 'x.npy'), join(folder, 'y.npy')]
    writeNpy(input, [35, 1, imageSize, imageSize], x)
    const { message } = await rejection(
      t,
      other.embedFile(input, output, { batchSize: 32 }),
      'ERR_GYRUS_NON_FINITE',
    )
    t.match(message, /x.npy, from image 32 on: image 1 holds NaN/)
  }
  const huge = images(2).fill(3e38)
  t.match(
    (await rejection(t, encoder.embed(huge), 'ERR_GYRUS_NON_FINITE')).message,
    /the features of image 0 hold NaN or infinity, though the image does not/,
  )
  t.equal((await encoder.embed(images(1))).length, encoder.dim, 'and it still works')
})

void t.test('training images that hold NaN', async (t) => {
  const x = images()
  x[7] = NaN
  await using supervised = await SupervisedTrainer.create(supervisedOptions)
  await using moco = await MocoTrainer.create(mocoOptions)
  await using simclr = await SimclrTrainer.create({ ...mocoOptions, microBatch: 2 })
  for (const step of [
    () => supervised.step(x, labels(), { lr: 0.1 }),
    () => moco.step(images(), x, { lr: 0.1 }),
    () => simclr.step(x, images(), { lr: 0.1 }),
  ]) {
    const { message } = await rejection(t, step(), 'ERR_GYRUS_NON_FINITE')
    t.match(message, /no weight was changed/)
  }
})

void t.test('batch statistics of one value a channel', async (t) => {
  const one = { batchSize: 1, imageSize }
  const calls = [
    // 32 pixels are one at the end of a ResNet.
    () => SupervisedTrainer.create({ ...supervisedOptions, ...one }),
    () =>
      SupervisedTrainer.create({
        ...supervisedOptions,
        ...one,
        arch: 'vit_tiny_patch16_224',
        hasHeadBatchNorm: true,
      }),
    () => MocoTrainer.create({ ...mocoOptions, microBatch: 1 }),
    () => MocoTrainer.create({ ...mocoOptions, microBatch: 1, ...small }),
    () => SimclrTrainer.create({ ...mocoOptions, microBatch: 1 }),
  ]
  for (const call of calls) {
    const { message } = await rejection(t, call(), 'ERR_GYRUS_BATCH_TOO_SMALL')
    t.match(message, /while adding .*(bn|fc|head|predictor|downsample).*1 value\(s\) a channel/)
    t.match(message, /use a larger batch/)
  }
  await (await SupervisedTrainer.create({ ...supervisedOptions, ...one, imageSize: 33 })).dispose()
})

void t.test('nothing is left', (t) => {
  t.equal(memory().hostBytes, 0)
  t.end()
})
