// Options that encoders and trainers share: the architecture, its input, and the device.
import * as z from 'zod'
import type { NativeDeviceOptions, NativeEncoderOptions } from '../native.js'

/** torchvision's names for ResNets, timm's for ViTs. The engine has the same list and says which name is nearest. */
export const architectures = [
  'resnet18',
  'resnet34',
  'resnet50',
  'resnet50_v1',
  'vit_tiny_patch16_224',
  'vit_small_patch16_224',
  'vit_base_patch16_224',
  'mocov3_vit_small',
  'mocov3_vit_base',
] as const
export type Architecture = (typeof architectures)[number]

const count = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)

// Beyond any machine. Systems refuse far more, and OpenMP ends the process when they do (native/core/threads.h).
export const threadCount = count.max(1024)

/** A string here: the engine knows the names, and its error suggests the nearest. */
const arch = z.custom<Architecture>((value) => typeof value === 'string' && value !== '', {
  error: "an architecture's name",
})

const imageSize = z
  .custom<number | readonly [number, number]>(
    (value) => (Array.isArray(value) ? value.length === 2 && value.every(isCount) : isCount(value)),
    { error: 'a positive whole number or [height, width]' },
  )
  .describe('pixels: one number for square images, or [height, width]')

function isCount(value: unknown): boolean {
  return count.safeParse(value).success
}

export const encoderFields = {
  arch: arch.describe('the architecture'),
  imageSize: imageSize.default(224),
  channels: count.default(3).describe('channels of the input images: 1 or 3'),
  heads: count.optional().describe("attention heads of a ViT, when they differ from the architecture's own"),
}

export const trainableEncoderFields = {
  ...encoderFields,
  hasZeroInitResidual: z
    .boolean()
    .default(false)
    .describe("ResNet: the last batch norm's scale of each block starts at 0 (MoCo v3 does so)"),
  hasTrainablePositions: z
    .boolean()
    .default(false)
    .describe('ViT: learned position embeddings (timm) instead of fixed sines and cosines (MoCo v3)'),
  hasFrozenPatchProjection: z
    .boolean()
    .default(false)
    .describe('ViT: the patch projection stays at its random start (MoCo v3 does so)'),
}

/** For a file's metadata: what the network's images were normalised with. */
export const normalizationFacts = {
  mean: z.number().optional().describe('of the images that it was trained on; kept in the metadata'),
  std: z.number().gt(0).optional().describe('of the same'),
}

export const deviceFields = {
  device: z
    .enum(['auto', 'cpu', 'cuda'])
    .default('auto')
    .describe("where to compute; 'auto' records its choice"),
  precision: z
    .enum(['auto', 'f32', 'bf16'])
    .default('auto')
    .describe("what to compute in; 'auto': bf16 where the hardware has it, else f32"),
  threads: threadCount
    .optional()
    .describe('threads to compute with; all that this process may use unless given'),
}

export const seed = z.int().min(0).describe('seed of the random initialisation')
export const batchSize = count.describe('images a step')
export { count }

interface EncoderFields {
  arch: string
  imageSize: number | readonly [number, number]
  channels: number
  heads?: number | undefined
  hasZeroInitResidual?: boolean
  hasTrainablePositions?: boolean
  hasFrozenPatchProjection?: boolean
}

export function toNativeEncoder(options: EncoderFields): NativeEncoderOptions {
  const [imageHeight, imageWidth] =
    typeof options.imageSize === 'number' ? [options.imageSize, options.imageSize] : options.imageSize
  return {
    arch: options.arch,
    imageHeight,
    imageWidth,
    channels: options.channels,
    heads: options.heads ?? 0,
    hasZeroInitResidual: options.hasZeroInitResidual ?? false,
    hasTrainablePositions: options.hasTrainablePositions ?? false,
    hasFrozenPatchProjection: options.hasFrozenPatchProjection ?? false,
  }
}

export function toNativeFacts(facts: {
  mean?: number | undefined
  std?: number | undefined
}): Readonly<Record<string, string>> {
  const given = Object.entries(facts).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
}

export function toNativeDevice(
  options: Omit<NativeDeviceOptions, 'threads'> & { threads?: number | undefined },
): NativeDeviceOptions {
  return { device: options.device, precision: options.precision, threads: options.threads ?? 0 }
}
