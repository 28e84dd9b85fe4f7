// Does 80 % sure mean right four times in five? (Guo et al. 2017: bins of equal width over the largest probability.)

export interface ReliabilityBin {
  readonly low: number
  readonly high: number
  readonly count: number
  /** Means over the bin's rows; NaN where there are none. */
  readonly confidence: number
  readonly accuracy: number
}

export interface Calibration {
  /** Expected calibration error: the bins' gaps, weighted by their rows. */
  readonly ece: number
  readonly bins: readonly ReliabilityBin[]
}

/** Bins are (low, high], the first one closed. */
export function calibrationOf(
  probabilities: Float64Array,
  labels: Int32Array,
  classes: number,
  binCount = 15,
): Calibration {
  const counts = new Float64Array(binCount)
  const confidences = new Float64Array(binCount)
  const hits = new Float64Array(binCount)
  labels.forEach((label, row) => {
    const own = probabilities.subarray(row * classes, (row + 1) * classes)
    const most = own.reduce((top, value) => Math.max(top, value), 0)
    const bin = Math.min(binCount - 1, Math.max(0, Math.ceil(most * binCount) - 1))
    counts[bin] = (counts[bin] ?? 0) + 1
    confidences[bin] = (confidences[bin] ?? 0) + most
    hits[bin] = (hits[bin] ?? 0) + (own.indexOf(most) === label ? 1 : 0)
  })
  const bins = Array.from(counts, (count, bin) => ({
    low: bin / binCount,
    high: (bin + 1) / binCount,
    count,
    confidence: (confidences[bin] ?? 0) / count,
    accuracy: (hits[bin] ?? 0) / count,
  }))
  const ece = bins.reduce(
    (total, { count, confidence, accuracy }) =>
      count === 0 ? total : total + (count / labels.length) * Math.abs(confidence - accuracy),
    0,
  )
  return { ece, bins }
}
