// How a view of a slice is made, and MoCo v3's two ways.
import * as z from 'zod'
import type { NativeViewOptions } from '../native.js'

const amount = z.number().min(0)
const probability = z.number().min(0).max(1)
const range = (least: number, most: number): z.ZodType<[number, number], [number, number]> => {
  const bound = z.number().min(least).max(most)
  return z.tuple([bound, bound]).refine(([low, high]) => low <= high, { error: 'two rising numbers' })
}

/** Steps in the order in which they are done. */
export const viewOptions = z.strictObject({
  crop: range(1e-4, 1).describe("share of the slice's area that is seen"),
  biasField: z
    .strictObject({ probability, strength: amount.max(10) })
    .optional()
    .describe('a smooth factor exp(polynomial), as of a receiving coil'),
  gamma: z
    .strictObject({ probability, range: range(0.01, 100) })
    .optional()
    .describe('values to a random power'),
  noise: z
    .strictObject({ probability, std: amount.max(10) })
    .optional()
    .describe('Rician, of values between 0 and 1'),
  jitter: z
    .strictObject({ probability, brightness: amount.max(10), contrast: amount.max(10) })
    .optional()
    .describe('factors from 1 - x to 1 + x'),
  blur: z
    .strictObject({ probability, sigma: range(0, 20) })
    .optional()
    .describe('Gaussian, sigma in pixels of the view'),
  solarize: probability.default(0).describe('probability that bright values are inverted'),
  flip: probability.default(0).describe('probability of a mirror image'),
})
export type ViewOptions = z.input<typeof viewOptions>

/** MoCo v3's and BYOL's two pipelines, as far as they concern grey images: saturation and hue do nothing to those. */
export function mocoViews(cropMin = 0.08): [ViewOptions, ViewOptions] {
  const common: ViewOptions = {
    crop: [cropMin, 1],
    jitter: { probability: 0.8, brightness: 0.4, contrast: 0.4 },
    flip: 0.5,
  }
  return [
    { ...common, blur: { probability: 1, sigma: [0.1, 2] } },
    { ...common, blur: { probability: 0.1, sigma: [0.1, 2] }, solarize: 0.2 },
  ]
}

/** SimCLR's pipeline, the same for both views, with the strengths of solo-learn's recipe. */
export function simclrViews(cropMin = 0.08): [ViewOptions, ViewOptions] {
  const view: ViewOptions = {
    crop: [cropMin, 1],
    jitter: { probability: 0.8, brightness: 0.8, contrast: 0.8 },
    blur: { probability: 0.5, sigma: [0.1, 2] },
    flip: 0.5,
  }
  return [view, view]
}

export function toNativeView(view: z.output<typeof viewOptions>): NativeViewOptions {
  const { crop, biasField, gamma, noise, jitter, blur, solarize, flip } = view
  return {
    cropLow: crop[0],
    cropHigh: crop[1],
    biasProbability: biasField?.probability ?? 0,
    biasStrength: biasField?.strength ?? 0,
    gammaProbability: gamma?.probability ?? 0,
    gammaLow: gamma?.range[0] ?? 1,
    gammaHigh: gamma?.range[1] ?? 1,
    noiseProbability: noise?.probability ?? 0,
    noiseStd: noise?.std ?? 0,
    jitterProbability: jitter?.probability ?? 0,
    brightness: jitter?.brightness ?? 0,
    contrast: jitter?.contrast ?? 0,
    blurProbability: blur?.probability ?? 0,
    blurLow: blur?.sigma[0] ?? 0,
    blurHigh: blur?.sigma[1] ?? 0,
    solarizeProbability: solarize,
    flipProbability: flip,
  }
}
