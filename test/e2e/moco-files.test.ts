// Files of moco-v3 and solo-learn in a trainer: with both encoders, heads and predictor, the next step is the same as
// from our own file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MocoTrainer, type EncoderOptions } from '../../lib/index.js'
import { readSafetensors } from '../support/files.js'
import { images, mocoOptions } from '../support/model.js'
import { writeTorchFile, type TorchDict, type TorchTensor } from '../support/torch-file.js'

type Tensors = Record<string, TorchTensor>
const folder = t.testdir()
const hyper = { lr: 0.1, momentum: 0.5 }

const renamed = (tensors: Tensors, to: (name: string) => string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [to(name), tensor]))

/** solo-learn keeps the projector beside the backbone, moco-v3 as its head. */
const toSoloLearn = (head: string) => (name: string) =>
  name
    .replace(`base_encoder.${head}.`, 'projector.')
    .replace(`momentum_encoder.${head}.`, 'momentum_projector.')
    .replace('base_encoder.', 'backbone.')
    .replace('momentum_encoder.', 'momentum_backbone.')

/** The next two steps' losses of a trainer that has loaded the file. */
async function losses(options: typeof mocoOptions, path: string): Promise<number[]> {
  await using trainer = await MocoTrainer.create({ ...options, seed: 9 })
  const { matched } = await trainer.load(path)
  t.ok(
    ['base_encoder.', 'momentum_encoder.', 'predictor.'].every((part) =>
      matched.some((name) => name.startsWith(part)),
    ),
    'all three networks were in the file',
  )
  const first = await trainer.step(images(4, 5), images(4, 6), hyper)
  return [first.loss, (await trainer.step(images(4, 7), images(4, 8), hyper)).loss]
}

async function check(t: Test, arch: EncoderOptions['arch'], head: string, heads?: number): Promise<void> {
  const options = { ...mocoOptions, arch, ...(heads === undefined ? {} : { heads }) }
  const own = join(folder, `${arch}.safetensors`)
  {
    // Steps, so that the momentum encoder is not the base encoder.
    await using trainer = await MocoTrainer.create({ ...options, seed: 1 })
    for (const phase of [1, 2, 3]) await trainer.step(images(4, phase), images(4, phase + 0.5), hyper)
    await trainer.save(own)
  }
  const tensors = readSafetensors(readFileSync(own))
  const differs = Object.entries(tensors).some(([name, { data }]) => {
    const other = tensors[name.replace('base_encoder.', 'momentum_encoder.')]
    return name.endsWith('.weight') && other?.data.some((value, at) => value !== data[at])
  })
  t.ok(differs, 'the two encoders differ')
  const counters = { shape: [1], data: Float32Array.of(3) }
  const moco: TorchDict = {
    epoch: 12,
    state_dict: {
      ...renamed(tensors, (name) => `module.${name}`),
      'module.predictor.1.num_batches_tracked': counters,
    },
    optimizer: { state: { 0: renamed({ x: counters }, () => 'exp_avg') } },
  }
  const solo: TorchDict = {
    epoch: 12,
    state_dict: { ...renamed(tensors, toSoloLearn(head)), 'classifier.weight': counters },
  }
  const wanted = await losses(options, own)
  for (const [name, dict] of Object.entries({ 'moco.pth.tar': moco, 'solo.ckpt': solo })) {
    const path = join(folder, `${arch}-${name}`)
    writeTorchFile(path, dict)
    t.same(await losses(options, path), wanted, name)
  }
  await using fresh = await MocoTrainer.create({ ...options, seed: 9 })
  t.not(
    (await fresh.step(images(4, 5), images(4, 6), hyper)).loss,
    wanted[0],
    'without the file it is another',
  )
}

void t.test('a ResNet', (t) => check(t, 'resnet18', 'fc'))
void t.test("a ViT with moco-v3's twelve heads", (t) => check(t, 'vit_tiny_patch16_224', 'head', 12))
