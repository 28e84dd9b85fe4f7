// Small models and batches that the tests share: a ResNet-18 on 32 x 32 grey images, one thread, f32.
import type { EncoderOptions, MocoTrainerOptions, SupervisedTrainerOptions } from '../../lib/index.js'

export const imageSize = 32
export const batchSize = 4
export const classes = 3

const model = {
  arch: 'resnet18',
  imageSize,
  channels: 1,
  device: 'cpu',
  precision: 'f32',
  threads: 1,
} as const

export const encoderOptions: EncoderOptions = { ...model, seed: 1 }
export const mocoOptions: MocoTrainerOptions = {
  ...model,
  batchSize,
  projector: { hidden: 32, out: 16 },
  optimizer: { name: 'sgd' },
}
/** The quickest trainer to make. */
export const tinyMocoOptions: MocoTrainerOptions = { ...mocoOptions, arch: 'vit_tiny_patch16_224' }
export const supervisedOptions: SupervisedTrainerOptions = {
  ...model,
  batchSize,
  classes,
  optimizer: { name: 'sgd' },
}

/** Reproducible images around 0, as normalised ones are. */
export function images(count = batchSize, phase = 0, size = imageSize): Float32Array {
  return Float32Array.from({ length: count * size * size }, (_, index) => Math.sin(index * 0.37 + phase))
}

export function labels(count = batchSize): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index % classes)
}
