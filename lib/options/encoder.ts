// Options of Encoder.
import * as z from 'zod'
import { deviceFields, encoderFields, normalizationFacts, seed } from './model.js'

export const encoderOptions = z
  .strictObject({
    ...encoderFields,
    ...deviceFields,
    weights: z
      .string()
      .min(1)
      .optional()
      .describe('a safetensors or PyTorch file with the names of a library that is known; heads are skipped'),
    seed: seed.optional().describe('instead of weights: a random initialisation'),
  })
  .refine((options) => (options.weights === undefined) !== (options.seed === undefined), {
    error: 'given (a file), unless seed asks for a random initialisation',
    path: ['weights'],
  })
export type EncoderOptions = z.input<typeof encoderOptions>

const signal = z.instanceof(AbortSignal, { error: 'an AbortSignal' }).optional().describe('cancels the call')

export const callOptions = z.strictObject({ signal })
export type CallOptions = z.input<typeof callOptions>

export const embedFileOptions = z.strictObject({
  signal,
  batchSize: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(32)
    .describe('images read at a time'),
  onProgress: z
    .custom<(done: number, total: number) => void>((value) => typeof value === 'function', {
      error: 'a function',
    })
    .optional()
    .describe('called now and then with how many images are done, and of how many'),
})
export type EmbedFileOptions = z.input<typeof embedFileOptions>

export const exportForms = ['torchvision', 'timm', 'mocov3', 'onnx'] as const

export const saveEncoderOptions = z.strictObject({
  form: z
    .enum(exportForms)
    .default('timm')
    .describe("safetensors under torchvision's, timm's or moco-v3's names, or an ONNX model"),
  ...normalizationFacts,
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe(
      "of the images that the file's reader has; 3 of a network of 1: each takes a third of the stem",
    ),
})
export type SaveEncoderOptions = z.input<typeof saveEncoderOptions>

export { signal }
