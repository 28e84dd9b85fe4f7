// Options of ViewLoader.
import * as z from 'zod'
import { signal } from './encoder.js'
import { count, seed, threadCount } from './model.js'
import { mocoViews, viewOptions } from './views.js'

export const normalization = {
  mean: z.number().default(0.449).describe('subtracted from values between 0 and 1'),
  std: z.number().gt(0).default(0.226).describe('by which they are then divided'),
}

/** One number, or one for each of three channels. */
export type ChannelNumbers = number | readonly [number, number, number]

const channelNumbers = (isFit: (value: number) => boolean, what: string) => {
  const isOne = (value: unknown): boolean =>
    typeof value === 'number' && Number.isFinite(value) && isFit(value)
  return z.custom<ChannelNumbers>(
    (value) => (Array.isArray(value) ? value.length === 3 && value.every(isOne) : isOne(value)),
    { error: `${what}, or three of them for three channels` },
  )
}
export const channelMean = channelNumbers(() => true, 'a number')
export const channelStd = channelNumbers((value) => value > 0, 'a number above 0')

/** The same where a network's channels may differ: the grey image thrice, each time with its channel's own. */
export const channelNormalization = {
  mean: channelMean
    .default(0.449)
    .describe('subtracted from values between 0 and 1; three for three channels'),
  std: channelStd.default(0.226).describe('by which they are then divided; three for three channels'),
}

/** Three numbers are for three channels. */
export function checkNormalization(
  options: { readonly channels: number; readonly mean: ChannelNumbers; readonly std: ChannelNumbers },
  context: z.core.$RefinementCtx,
): void {
  for (const name of ['mean', 'std'] as const)
    if (Array.isArray(options[name]) && options.channels !== 3)
      context.addIssue({
        code: 'custom',
        path: [name],
        message: `one number with channels ${options.channels}`,
      })
}

/** As many numbers as channels. */
export function perChannel(numbers: ChannelNumbers, channels: number): Float32Array {
  return typeof numbers === 'number' ? new Float32Array(channels).fill(numbers) : Float32Array.from(numbers)
}

export const fillOptions = z.strictObject({
  part: z.int().min(0).default(0).describe('which share of the batch'),
  parts: count.default(1).describe('into how many shares the batch is divided'),
  signal,
})
export type FillOptions = z.input<typeof fillOptions>

export const viewLoaderOptions = z
  .strictObject({
    shards: z
      .array(z.string().min(1))
      .min(1)
      .readonly()
      .describe('.npy files of uint16 [n, size, size], in the order of the rows'),
    rows: z
      .custom<Uint32Array>((value) => value instanceof Uint32Array, { error: 'a Uint32Array' })
      .optional()
      .describe('that steps draw from; all unless given'),
    imageSize: z.int().min(1).max(4096).describe('pixels of a side of a view'),
    channels: z
      .union([z.literal(1), z.literal(3)])
      .default(1)
      .describe('3: the grey image thrice'),
    batchSize: count.default(1).describe('slices a step'),
    seed: seed.default(0),
    threads: threadCount.default(1).describe('that make views'),
    ...channelNormalization,
    views: z
      .tuple([viewOptions, viewOptions])
      .default(() => z.tuple([viewOptions, viewOptions]).parse(mocoViews()))
      .describe('how the two views are made'),
  })
  .superRefine(checkNormalization)
export type ViewLoaderOptions = z.input<typeof viewLoaderOptions>

export const plainOptions = z.strictObject({
  side: z.number().gt(0).max(1).default(1).describe("share of a slice's side that is seen, in its middle"),
  signal,
})
export type PlainOptions = z.input<typeof plainOptions>
