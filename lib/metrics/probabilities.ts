// Logits to probabilities.

/** Softmax of each row [n, classes], in double precision. */
export function softmax(logits: Float32Array, classes: number): Float64Array {
  const probabilities = new Float64Array(logits.length)
  for (let first = 0; first < logits.length; first += classes) {
    const row = logits.subarray(first, first + classes)
    const most = row.reduce((top, value) => Math.max(top, value), -Infinity)
    let total = 0
    row.forEach((value, k) => {
      const term = Math.exp(value - most)
      probabilities[first + k] = term
      total += term
    })
    for (let k = 0; k < classes; k += 1) probabilities[first + k] = (probabilities[first + k] ?? 0) / total
  }
  return probabilities
}

/** Mean cross-entropy of the labels. */
export function logLoss(probabilities: Float64Array, labels: Int32Array, classes: number): number {
  let total = 0
  labels.forEach((label, row) => {
    total -= Math.log(Math.max(Number.MIN_VALUE, probabilities[row * classes + label] ?? 0))
  })
  return total / labels.length
}
