// Learning rate and encoder momentum at each step, and how many steps there are (science: MoCo v3, section 4).
import { invalidOption } from '../errors.js'
import type { PretrainSettings } from '../options/pretrain.js'
import type { RatePlan } from '../run/rate.js'

export { learningRateAt } from '../run/rate.js'

export interface Schedule extends RatePlan {
  readonly stepsPerEpoch: number
  readonly saveEvery: number
}

const longestUnsaved = 500 // steps
const defaultWarmup = 0.1

export function makeSchedule(settings: PretrainSettings, stepsPerEpoch: number): Schedule {
  const steps = settings.steps ?? Math.max(1, Math.round((settings.epochs ?? 1) * stepsPerEpoch))
  const warmupSteps =
    settings.warmupSteps ??
    Math.round(
      settings.warmupEpochs === undefined ? defaultWarmup * steps : settings.warmupEpochs * stepsPerEpoch,
    )
  if (warmupSteps > steps)
    throw invalidOption(
      'pretrain: warmupSteps',
      `at most the ${steps} steps of the run`,
      warmupSteps,
      'range',
    )
  return {
    steps,
    warmupSteps,
    stepsPerEpoch,
    saveEvery: settings.saveEvery ?? Math.max(1, Math.min(stepsPerEpoch, longestUnsaved)),
    peakLr: (settings.baseLr * settings.batchSize) / 256,
  }
}

/** From the start value to 1 by half a cosine, or constant. */
export function encoderMomentumAt(step: number, steps: number, settings: PretrainSettings): number {
  if (settings.momentumSchedule === 'constant') return settings.momentum
  return 1 - 0.5 * (1 + Math.cos((Math.PI * step) / steps)) * (1 - settings.momentum)
}

/**
 * Loss of embeddings that say nothing. MoCo v3: of the symmetrised loss over n images with its factor of 2 tau; SimCLR:
 * of a choice among all other views.
 */
export function chanceLoss({ method, temperature, batchSize }: PretrainSettings): number {
  if (method === 'simclr') return Math.log(2 * batchSize - 1)
  return 4 * temperature * Math.log(batchSize)
}
