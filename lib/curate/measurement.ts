// From what the journal holds of a volume to what is chosen by.
import type { Measured } from './journal.js'
import type { Measurement } from './select.js'

/** Of one value, or of none: there is nothing to scale. */
export function isFlat(window: { readonly low: number; readonly high: number }): boolean {
  return !(window.low < window.high)
}

export function toMeasurement(entry: Measured): Measurement {
  return { volume: entry.volume, entropy: Float64Array.from(entry.entropy), isFlat: isFlat(entry) }
}
