// A thousand lives of one kind of session: prints by how many bytes the process grew. usage: lives.js KIND FOLDER
import { join } from 'node:path'
import { Encoder, MocoTrainer, SimclrTrainer, SupervisedTrainer, ViewLoader } from '../../lib/index.js'
import { encoderOptions, images, labels, supervisedOptions, tinyMocoOptions } from '../support/model.js'
import { writeCurated } from '../support/shards.js'
import { growth, type Kind } from './growth.js'

const [kind, folder] = process.argv.slice(2) as [Kind, string]
const shards = [join(writeCurated(folder, { rows: 10, size: 20 }), 'slices-00000.npy')]

// timm's network for tests, which takes patches of 16: what a life costs is not its arithmetic.
const small = { arch: 'test_vit' as 'vit_tiny_patch16_224', imageSize: 16, threads: 1 } as const
const contrastive = { ...tinyMocoOptions, ...small, projector: { hidden: 8, out: 4 } }
const x1 = images(4, 0, 16)
const x2 = images(4, 1, 16)

/** One life of every kind of session: most are not used, as what they leave is what they were made with. */
const lives: Record<Kind, (cycle: number) => Promise<unknown>> = {
  encoders: async (cycle) => {
    await using encoder = await Encoder.load({ ...encoderOptions, ...small })
    if (cycle % 10 === 1) await encoder.embed(x1)
  },
  'supervised trainers': async (cycle) => {
    await using trainer = await SupervisedTrainer.create({ ...supervisedOptions, ...small })
    if (cycle % 10 === 1) await trainer.step(x1, labels(), { lr: 0.01 })
  },
  'MoCo trainers': async (cycle) => {
    await using trainer = await MocoTrainer.create(contrastive)
    if (cycle % 10 === 1) await trainer.step(x1, x2, { lr: 0.01 })
  },
  'SimCLR trainers': async (cycle) => {
    await using trainer = await SimclrTrainer.create({
      ...contrastive,
      microBatch: cycle % 50 === 0 ? 2 : undefined,
    })
    if (cycle % 10 === 1) await trainer.step(x1, x2, { lr: 0.01 })
  },
  'view loaders': async (cycle) => {
    await using loader = await ViewLoader.open({ shards, imageSize: 16, batchSize: 4, threads: 2 })
    if (cycle % 10 === 1) await loader.fill(cycle, x1, x2)
  },
}
process.stdout.write(String(await growth(1000, lives[kind])))
