// Optimizers and their settings. Defaults are MoCo v3's for AdamW and LARS, solo-learn's for its own LARS.
import * as z from 'zod'
import type { NativeOptimizerOptions } from '../native.js'

const rate = z.number().min(0)
const fraction = z.number().min(0).lt(1)
const weightDecay = (value: number): z.ZodDefault<z.ZodNumber> => rate.default(value).describe('weight decay')
const momentum = fraction.default(0.9).describe('momentum of the gradient')
const decaysVectors = z
  .boolean()
  .default(true)
  .describe("false: biases, norms and a ViT's class token and positions do not decay")
const trust = (value: number): z.ZodDefault<z.ZodNumber> =>
  z.number().gt(0).default(value).describe('the trust coefficient')

export const optimizer = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('adamw'),
    weightDecay: weightDecay(0.1),
    decaysVectors,
    beta1: fraction.default(0.9),
    beta2: fraction.default(0.999),
    eps: z.number().gt(0).default(1e-8),
  }),
  z.strictObject({ name: z.literal('lars'), weightDecay: weightDecay(1e-6), momentum, trust: trust(0.001) }),
  z.strictObject({
    name: z.literal('lars_solo'),
    weightDecay: weightDecay(1e-6),
    momentum,
    trust: trust(0.02),
  }),
  z.strictObject({
    name: z.literal('sgd'),
    weightDecay: weightDecay(0),
    decaysVectors,
    momentum,
    nesterov: z.boolean().default(false),
  }),
])

export type OptimizerOptions = z.input<typeof optimizer>

/** The engine's struct has the fields of all optimizers; those of the others are not looked at. */
export function toNativeOptimizer(options: z.output<typeof optimizer>): NativeOptimizerOptions {
  const unused = {
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    momentum: 0.9,
    trust: 0.001,
    nesterov: false,
    decaysVectors: true,
  }
  return { ...unused, ...options }
}
