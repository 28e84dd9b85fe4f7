// Networks that have the same tensors and compute something else: files say which one they are of, and loading one into
// the other is refused with what to do.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, MocoTrainer, type EncoderOptions } from '../../lib/index.js'
import { readMetadata, readSafetensors } from '../support/files.js'
import { rejection } from '../support/rejection.js'
import { writeTorchFile } from '../support/torch-file.js'

const folder = t.testdir()
const machine = { device: 'cpu', precision: 'f32', threads: 1 } as const
const model = { ...machine, imageSize: 32, channels: 1 } as const
const trained = { ...model, batchSize: 4, projector: { hidden: 16, out: 8 } } as const
const tiny = 'vit_tiny_patch16_224' // timm: 3 heads

void t.test("a trainer refuses moco-v3's twelve heads where it has others", async (t) => {
  const [own, foreign] = [join(folder, 'own.safetensors'), join(folder, 'moco.pth.tar')]
  {
    await using trainer = await MocoTrainer.create({ ...trained, arch: tiny, heads: 12, seed: 1 })
    await trainer.save(own)
  }
  t.match(readMetadata(readFileSync(own)), { arch: tiny, heads: '12', image_size: '32', channels: '1' })
  const named = Object.entries(readSafetensors(readFileSync(own)))
  const state_dict = Object.fromEntries(named.map(([name, tensor]) => [`module.${name}`, tensor]))
  writeTorchFile(foreign, { epoch: 3, state_dict })
  await using three = await MocoTrainer.create({ ...trained, arch: tiny, seed: 2 })
  const refused = await rejection(t, three.load(foreign), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  t.match(refused.message, /is moco-v3's, whose vision transformers have 12 heads; vit_tiny.* has 3\. Remedy/)
  const stated = await rejection(t, three.load(own), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  t.match(stated.message, /with 12 heads; .* has 3\. Remedy: .* with heads 12/)
  await using twelve = await MocoTrainer.create({ ...trained, arch: tiny, heads: 12, seed: 2 })
  await twelve.load(foreign)
  await twelve.load(own)
})

void t.test('a backbone says which network it is of, and is refused by another', async (t) => {
  const weights = join(folder, 'backbone.safetensors')
  await using trainer = await MocoTrainer.create({ ...trained, arch: 'mocov3_vit_small', seed: 1 })
  await trainer.saveBackbone(weights, { mean: 0.25, std: 0.5 })
  t.same(readMetadata(readFileSync(weights)), {
    ...{ arch: 'mocov3_vit_small', heads: '12', image_size: '32', channels: '1', mean: '0.25', std: '0.5' },
    format: 'pt',
  })
  const as = (arch: EncoderOptions['arch'], heads?: number): Promise<Encoder> =>
    Encoder.load({ ...model, arch, weights, ...(heads === undefined ? {} : { heads }) })
  const refused = await rejection(t, as('vit_small_patch16_224'), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  t.match(refused.message, /is of mocov3_vit_small with 12 heads; .* has 6\. Remedy: .* mocov3_vit_small$/)
  await (await as('vit_small_patch16_224', 12)).dispose()
  await using encoder = await as('mocov3_vit_small')
  const exported = join(folder, 'timm.safetensors')
  await encoder.save(exported, { form: 'timm', mean: 0.25, std: 0.5 })
  t.match(readMetadata(readFileSync(exported)), { heads: '12', mean: '0.25', std: '0.5' })
  await encoder.save(join(folder, 'moco.safetensors'), { form: 'mocov3' })
})

void t.test('moco-v3 has twelve heads alone', async (t) => {
  await using encoder = await Encoder.load({ ...model, arch: tiny, seed: 1 })
  const path = join(folder, 'three.safetensors')
  const refused = await rejection(t, encoder.save(path, { form: 'mocov3' }), 'ERR_GYRUS_INVALID_ARGUMENT')
  t.match(refused.message, /has 3 heads here, and moco-v3 has 12 .* export it as timm/)
})

void t.test('strides that tensors do not show', async (t) => {
  const weights = join(folder, 'resnet50.safetensors')
  await using encoder = await Encoder.load({ ...model, arch: 'resnet50', seed: 1 })
  await encoder.save(weights)
  const other = Encoder.load({ ...model, arch: 'resnet50_v1', weights })
  t.match(
    (await rejection(t, other, 'ERR_GYRUS_WEIGHTS_MISMATCH')).message,
    /Remedy: take the architecture resnet50$/,
  )
})
