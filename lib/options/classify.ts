// Options of finetune(), evaluate() and compare(). Names are the keys of a configuration file, of config.json, and the
// commands' flags.
import * as z from 'zod'
import { signal } from './encoder.js'
import { labelledFields } from './labelled.js'
import { count, deviceFields, seed, threadCount, trainableEncoderFields } from './model.js'
import { optimizer } from './optimizer.js'
import { channelMean, channelNormalization, channelStd, checkNormalization } from './view-loader.js'
import { viewOptions } from './views.js'

const rate = z.number().min(0)
const share = z.number().min(0).lt(1)
const out = z.string().min(1).describe('the output folder')
const fraction = z.number().gt(0).max(1)

const network = {
  ...trainableEncoderFields,
  arch: trainableEncoderFields.arch.default('resnet50'),
  imageSize: count.default(224).describe('pixels of a side of what the network sees'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(1)
    .describe('of the network; 3: the grey image thrice'),
  ...channelNormalization,
}

type ClassWeights = 'none' | 'balanced' | readonly number[]
const isWeight = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value > 0
const classWeights = z.custom<ClassWeights>(
  (value) =>
    Array.isArray(value)
      ? value.length >= 2 && value.every(isWeight)
      : value === 'none' || value === 'balanced',
  { error: "'none', 'balanced' or a list of numbers above 0, one a class" },
)

const learning = {
  method: z
    .enum(['finetune', 'linear'])
    .default('finetune')
    .describe('train everything, or a linear classifier on frozen features'),
  batchSize: count.default(32).describe('images a step; fewer where there are fewer to train on'),
  epochs: count.default(50).describe('passes over the training images, at most'),
  warmupEpochs: rate.optional().describe('over which the learning rate rises (default: a tenth of all)'),
  lr: rate.default(5e-4).describe('peak learning rate, for the batch as it is'),
  optimizer: optimizer
    .prefault({ name: 'adamw', weightDecay: 0.05, decaysVectors: false })
    .describe('the optimizer and its settings'),
  layerDecay: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('factor of the learning rate from each layer to the one before'),
  labelSmoothing: share.default(0).describe('share of the target given to all classes alike'),
  classWeights: classWeights
    .default('none')
    .describe(
      'in the loss; balanced: a class counts by the inverse of its number of training images; or a number a class, ' +
        'in the order of their names',
    ),
  mixup: rate
    .default(0)
    .describe('alpha of the Beta distribution by which pairs of images are mixed; 0: none are'),
  dropPath: share.default(0).describe("ViT: chance that the last block's branches are left out"),
  view: viewOptions
    .prefault({ crop: [0.08, 1], flip: 0.5 })
    .describe('how training images are changed: crop, mirror, and what else pretraining knows'),
  testSide: z
    .number()
    .gt(0)
    .max(1)
    .default(0.875)
    .describe("share of an image's side, in its middle, that is tested on: 224 of 256 pixels"),
  selectBy: z
    .enum(['accuracy', 'f1', 'loss'])
    .default('accuracy')
    .describe('what the best epoch on the validation images is best in; of equals the lower loss'),
  patience: count.default(15).describe('epochs without a better one after which training ends'),
  l2: rate.default(1e-3).describe('linear: penalty on the squared weights of standardised features'),
}

const running = {
  ...deviceFields,
  loaderThreads: threadCount.default(1).describe('threads that make views'),
}

const figures = {
  replicates: count.default(1000).describe('of the bootstrap'),
  confidence: z.number().gt(0).lt(1).default(0.95).describe('of all intervals'),
}

const weights = z
  .string()
  .min(1)
  .optional()
  .describe("the backbone: a file (safetensors, .pth, .ckpt) or a run's folder; none: a random start")

export const classifyFields = { ...labelledFields, ...network, ...learning, ...running, ...figures }

export const finetuneSettings = z
  .strictObject({
    ...classifyFields,
    out,
    weights,
    labelFraction: fraction.default(1).describe('of the training images, class by class'),
    saveSeconds: rate
      .default(60)
      .describe('between states that a killed run goes on from, after an epoch each'),
    seed: seed.default(0),
  })
  .superRefine(checkNormalization)
/** A complete configuration, as config.json holds it. */
export type FinetuneSettings = z.output<typeof finetuneSettings>
export type FinetuneConfig = z.input<typeof finetuneSettings>

/** Different ones, two at least. */
const lrs = z
  .array(z.number().gt(0))
  .min(2)
  .readonly()
  .refine((list) => new Set(list).size === list.length, { error: 'learning rates that differ' })
  .optional()

/** What one arm may do differently from the others. */
const arm = z.strictObject({
  name: z
    .string()
    .regex(/^[\w .+-]{1,60}$/, { error: 'up to 60 letters, digits, spaces, dots, signs' })
    .describe('of the arm, in the report'),
  weights: weights.describe(
    'a file of weights; {seed} in its path stands for the seed; none: a random start',
  ),
  arch: trainableEncoderFields.arch.optional(),
  heads: trainableEncoderFields.heads,
  channels: z.union([z.literal(1), z.literal(3)]).optional(),
  hasTrainablePositions: z.boolean().optional(),
  method: z.enum(['finetune', 'linear']).optional(),
  lr: rate.optional(),
  lrs: lrs.describe('instead of those of all arms'),
  layerDecay: z.number().gt(0).max(1).optional(),
  mean: channelMean.optional(),
  std: channelStd.optional(),
})
export type CompareArm = z.output<typeof arm>

export const compareSettings = z.strictObject({
  ...classifyFields,
  out,
  arms: z.array(arm).min(1).describe('what is compared'),
  reference: z
    .string()
    .optional()
    .describe('the arm that the others are measured against (default: the first)'),
  seeds: z
    .union([count.transform((n) => Array.from({ length: n }, (_, at) => at)), z.array(seed).min(1)])
    .prefault(5)
    .describe('how many runs of each arm, or their seeds'),
  lrs: lrs.describe(
    'learning rates, of which each cell that is fine-tuned takes the one that is best on the validation images',
  ),
  labelFractions: z.array(fraction).min(1).default([1]).describe('shares of the training images'),
})
export type CompareSettings = z.output<typeof compareSettings>
export type CompareConfig = z.input<typeof compareSettings>

export const evaluateSettings = z.strictObject({
  ...labelledFields,
  ...network,
  ...running,
  ...figures,
  testSide: learning.testSide,
  batchSize: learning.batchSize,
  out,
  weights: z
    .string()
    .min(1)
    .describe(
      'the folder of a fine-tuning, whose network is taken over, or a file of a backbone and its classifier',
    ),
  matchClasses: z
    .enum(['name', 'order'])
    .default('name')
    .describe("how the images' classes are found among those of a fine-tuning"),
  part: z.enum(['test', 'val', 'train', 'all']).default('test').describe('which images'),
})
export type EvaluateSettings = z.output<typeof evaluateSettings>
export type EvaluateConfig = z.input<typeof evaluateSettings>

export const taskCallOptions = z.strictObject({
  resume: z.boolean().default(false).describe('go on with what is in the folder'),
  overwrite: z.boolean().default(false).describe('remove what is in the folder first'),
  signal,
})
export type TaskCallOptions = z.input<typeof taskCallOptions>
