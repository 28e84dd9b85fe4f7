// Options of the trainers and of their steps.
import * as z from 'zod'
import { signal } from './encoder.js'
import { batchSize, count, deviceFields, normalizationFacts, seed, trainableEncoderFields } from './model.js'
import { optimizer } from './optimizer.js'

/** How the layers of projectors and predictors are normalised; layer_norm treats every image by itself. */
export const projectorNorms = ['batch_norm', 'layer_norm', 'none'] as const
const widths = { hidden: count.default(4096), out: count.default(256) }

/** Of a method whose projector has `norm` unless told otherwise. */
const projector = (norm: (typeof projectorNorms)[number]) =>
  z.strictObject({ ...widths, norm: z.enum(projectorNorms).default(norm) }).prefault({})

export const contrastiveFields = {
  batchSize,
  microBatch: count
    .optional()
    .describe('images that are computed at once, with the loss of the whole batch; divides batchSize'),
  temperature: z.number().gt(0).default(0.2).describe('of the contrastive loss'),
  optimizer: optimizer.prefault({ name: 'adamw' }).describe('the optimizer and its settings'),
  seed: seed.default(0),
}

/** A divisor of the batch. */
export const isDivided = ({
  batchSize,
  microBatch,
}: {
  batchSize: number
  microBatch?: number | undefined
}): boolean => microBatch === undefined || batchSize % microBatch === 0
export const undivided = { path: ['microBatch'], error: 'a divisor of batchSize' }

const trainerFields = { ...trainableEncoderFields, ...deviceFields, ...contrastiveFields }

export const mocoOptions = z
  .strictObject({
    ...trainerFields,
    projector: projector('batch_norm').describe('of the projector and the predictor'),
  })
  .refine(isDivided, undivided)
export type MocoTrainerOptions = z.input<typeof mocoOptions>

export const simclrOptions = z
  .strictObject({ ...trainerFields, projector: projector('none') })
  .refine(isDivided, undivided)
export type SimclrTrainerOptions = z.input<typeof simclrOptions>
export type ContrastiveSettings = z.output<typeof mocoOptions>

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

export const contrastiveStepOptions = z.strictObject({
  lr,
  momentum: z.number().min(0).max(1).default(0.99).describe('of the momentum encoder'),
  signal,
})
export const saveBackboneOptions = z.strictObject({
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('of the images that its reader has'),
  ...normalizationFacts,
})
export type SaveBackboneOptions = z.input<typeof saveBackboneOptions>

export type ContrastiveStepOptions = z.input<typeof contrastiveStepOptions>

export const supervisedStepOptions = z.strictObject({
  lr,
  mix: z.number().min(0).max(1).default(1).describe("an image's own share, with hasMixup"),
  signal,
})
export type SupervisedStepOptions = z.input<typeof supervisedStepOptions>
