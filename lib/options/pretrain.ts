// Options of pretrain(). Names are the keys of a configuration file, of config.json, and the command's flags.
import * as z from 'zod'
import { signal } from './encoder.js'
import { count, deviceFields, trainableEncoderFields, seed, threadCount } from './model.js'
import { optimizer } from './optimizer.js'
import { contrastiveFields, isDivided, projectorNorms, undivided } from './trainer.js'
import { normalization } from './view-loader.js'
import { viewOptions } from './views.js'

const rate = z.number().min(0)
const probability = z.number().min(0).max(1)
const probe = z.strictObject({
  labels: z
    .string()
    .min(1)
    .describe('CSV with a column `label` and columns of the manifest that say of which slices'),
  neighbours: count.default(20).describe('that vote'),
})

const learning = {
  method: z
    .enum(['mocov3', 'simclr'])
    .default('mocov3')
    .describe('how it learns: MoCo v3, with a momentum encoder, or SimCLR'),
  batchSize: count.default(256).describe('images a step'),
  microBatch: contrastiveFields.microBatch,
  epochs: z.number().gt(0).optional().describe('passes over the training slices'),
  steps: count.optional().describe('instead of epochs'),
  warmupEpochs: rate.optional().describe('over which the learning rate rises (default: a tenth of all)'),
  warmupSteps: z.int().min(0).optional().describe('instead of warmupEpochs'),
  baseLr: rate.describe('learning rate for 256 images a step; the peak is baseLr x batchSize / 256'),
  warmupStartLr: rate.default(0).describe('learning rate of the first step, not scaled'),
  optimizer: optimizer.prefault({ name: 'adamw' }).describe('the optimizer and its settings'),
  momentum: probability.default(0.99).describe('MoCo v3: of the momentum encoder, at the start'),
  momentumSchedule: z.enum(['cosine', 'constant']).default('cosine').describe('to 1 at the end, or as it is'),
  temperature: z.number().gt(0).default(0.2).describe('of the contrastive loss'),
  projector: z
    .strictObject({
      hidden: count.default(4096),
      out: count.default(256),
      norm: z
        .enum(projectorNorms)
        .optional()
        .describe("of its layers (default: 'batch_norm'; SimCLR: 'none', as in solo-learn)"),
    })
    .prefault({})
    .describe('projector and predictor'),
}

const keeping = {
  saveEvery: count.optional().describe('steps between checkpoints (default: an epoch, 500 at most)'),
  keepCheckpoints: z.int().min(2).default(2).describe('that stay on the disk'),
  healthEvery: count.default(20).describe('steps between looks at the embeddings'),
  collapse: z
    .strictObject({
      std: rate.default(0.05).describe('of the embeddings (1: spread over the sphere)'),
      rank: rate.default(1.5).describe('effective, of the embeddings'),
      checks: count.default(5).describe('in a row'),
    })
    .prefault({})
    .describe('the run stops when both are below for so many looks'),
  probe: probe.optional().describe('a nearest-neighbour probe at each checkpoint'),
}

export const pretrainFields = {
  data: z.string().min(1).describe('a folder that `gyrus curate` wrote'),
  out: z.string().min(1).describe('the run folder'),
  ...trainableEncoderFields,
  imageSize: count.default(224).describe('pixels of a side of a view'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(1)
    .describe('of the network; 3: the grey image thrice'),
  ...learning,
  ...normalization,
  views: z.tuple([viewOptions, viewOptions]).describe('the two augmentations'),
  split: z.enum(['train', 'all']).default('train').describe('slices to train on'),
  ...keeping,
  ...deviceFields,
  loaderThreads: threadCount.optional().describe('threads that augment (default: 1 for each 4 processors)'),
  seed: seed.default(0),
}

export const pretrainSettings = z.strictObject(pretrainFields).refine(isDivided, undivided)
/** A complete configuration, as config.json holds it. */
export type PretrainSettings = z.output<typeof pretrainSettings>

/** What a caller may say: everything but the data and the folder has a default, most of them from the preset. */
export type PretrainConfig = Partial<z.input<typeof pretrainSettings>> & {
  readonly data: string
  readonly out: string
  /** Settings to start from; what else is given changes them. */
  readonly preset?: string
  /** Smallest share of the slice that a crop covers, in both views. */
  readonly cropMin?: number
}

export const pretrainCallOptions = z.strictObject({
  resume: z.boolean().default(false).describe('continue the run in the folder, if there is one'),
  overwrite: z.boolean().default(false).describe('remove the run in the folder first'),
  signal,
})
export type PretrainCallOptions = z.input<typeof pretrainCallOptions>
