// Learning rates over a run.

export interface RatePlan {
  readonly steps: number
  readonly warmupSteps: number
  readonly peakLr: number
}

/** A linear rise to the peak, then half a cosine down to 0. */
export function learningRateAt(step: number, plan: RatePlan, startLr: number): number {
  const { steps, warmupSteps, peakLr } = plan
  if (step < warmupSteps) return startLr + ((peakLr - startLr) * step) / warmupSteps
  return 0.5 * peakLr * (1 + Math.cos((Math.PI * (step - warmupSteps)) / (steps - warmupSteps)))
}
