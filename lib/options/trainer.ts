// Options of the trainers and of their steps.
import { z } from 'zod'
import { signal } from './encoder.js'
import { batchSize, count, deviceFields, seed, trainableEncoderFields } from './model.js'
import { optimizer } from './optimizer.js'

export const mocoOptions = z.strictObject({
  ...trainableEncoderFields,
  ...deviceFields,
  batchSize,
  temperature: z.number().gt(0).default(0.2).describe('of the contrastive loss'),
  projector: z
    .strictObject({ hidden: count.default(4096), out: count.default(256) })
    .prefault({})
    .describe('widths of the projector and predictor'),
  optimizer: optimizer.prefault({ name: 'adamw' }).describe('the optimizer and its settings'),
  seed: seed.default(0),
})
export type MocoTrainerOptions = z.input<typeof mocoOptions>

export const supervisedOptions = z.strictObject({
  ...trainableEncoderFields,
  ...deviceFields,
  batchSize,
  classes: count.describe('how many classes the labels tell apart'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('share of the target given to all classes alike'),
  hasHeadBatchNorm: z.boolean().default(false).describe('a batch norm without scale before the classifier'),
  isBackboneFrozen: z.boolean().default(false).describe('train the classifier alone: a linear probe'),
  classWeights: z
    .array(z.number().gt(0))
    .readonly()
    .optional()
    .describe("of the classes in the loss, as PyTorch's cross_entropy takes them; all alike unless given"),
  hasMixup: z.boolean().default(false).describe('steps may mix images: their option `mix`'),
  dropPath: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("ViT: chance that the last block's branches are left out; earlier blocks' chances are smaller"),
  layerDecay: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('factor of the learning rate from each layer to the one before it'),
  optimizer: optimizer.prefault({ name: 'adamw' }).describe('the optimizer and its settings'),
  seed: seed.default(0),
})
export type SupervisedTrainerOptions = z.input<typeof supervisedOptions>

const lr = z.number().min(0).describe('learning rate of this step')

export const mocoStepOptions = z.strictObject({
  lr,
  momentum: z.number().min(0).max(1).default(0.99).describe('of the momentum encoder'),
  signal,
})
export const saveBackboneOptions = z.strictObject({
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('of the images that its reader has'),
})
export type SaveBackboneOptions = z.input<typeof saveBackboneOptions>

export type MocoStepOptions = z.input<typeof mocoStepOptions>

export const supervisedStepOptions = z.strictObject({
  lr,
  mix: z.number().min(0).max(1).default(1).describe("an image's own share, with hasMixup"),
  signal,
})
export type SupervisedStepOptions = z.input<typeof supervisedStepOptions>
