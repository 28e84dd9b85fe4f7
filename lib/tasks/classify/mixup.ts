// How much of its own an image keeps in mixup (Zhang et al. 2018): a draw from Beta(alpha, alpha), a function
// of the seed and the step.
import { Random } from '../../random.js'

export function mixAt(alpha: number, seed: number, step: number): number {
  if (alpha === 0) return 1
  const random = new Random(seed, 'mixup', step)
  const [a, b] = [gamma(alpha, random), gamma(alpha, random)]
  return a + b === 0 ? 0.5 : a / (a + b)
}

/** Gamma(shape, 1): Marsaglia and Tsang 2000; below 1 by Gamma(shape + 1) u^(1 / shape). */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * random.unit() ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const normal = random.normal()
    const v = (1 + c * normal) ** 3
    if (v > 0 && Math.log(1 - random.unit()) < 0.5 * normal * normal + d - d * v + d * Math.log(v))
      return d * v
  }
}
