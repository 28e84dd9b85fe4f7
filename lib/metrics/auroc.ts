// Area under the receiver's curve: the chance that one of a class gets a higher score than one of another, ties half.

/** Of two classes: `isPositive[i]` and the score of i. Undefined unless both kinds are there. */
export function binaryAuroc(scores: ArrayLike<number>, isPositive: ArrayLike<boolean>): number | undefined {
  const order = Array.from({ length: scores.length }, (_, at) => at).sort(
    (a, b) => (scores[a] ?? 0) - (scores[b] ?? 0),
  )
  const positives = order.filter((at) => isPositive[at] === true).length
  const negatives = order.length - positives
  if (positives === 0 || negatives === 0) return undefined
  let rankSum = 0 // of the positives; equal scores share the mean of their ranks
  for (let first = 0; first < order.length;) {
    let end = first + 1
    while (end < order.length && scores[order[end] ?? 0] === scores[order[first] ?? 0]) end += 1
    const rank = (first + 1 + end) / 2
    for (let at = first; at < end; at += 1) if (isPositive[order[at] ?? 0] === true) rankSum += rank
    first = end
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

/**
 * Mean over the classes of one against the rest. Of two classes it is the binary one. Undefined when a class does not
 * occur: scikit-learn refuses those too.
 */
export function macroAuroc(
  probabilities: Float64Array,
  labels: Int32Array,
  classes: number,
): number | undefined {
  let total = 0
  for (let k = 0; k < classes; k += 1) {
    const scores = Float64Array.from(labels, (_, row) => probabilities[row * classes + k] ?? 0)
    const area = binaryAuroc(
      scores,
      Array.from(labels, (label) => label === k),
    )
    if (area === undefined) return undefined
    total += area
  }
  return total / classes
}

/**
 * The same of samples of the rows, for the bootstrap: takes how often each row was drawn. Sorts once, so that a sample
 * costs a pass over the rows for each class. NaN of a sample in which a class does not occur.
 */
export function sampledAuroc(
  probabilities: Float64Array,
  labels: Int32Array,
  classes: number,
): (counts: Int32Array) => number {
  const sorted = Array.from({ length: classes }, (_, k) => {
    const score = (row: number): number => probabilities[row * classes + k] ?? 0
    const order = Int32Array.from(labels.keys()).sort((a, b) => score(a) - score(b))
    const startsGroup = Uint8Array.from(order, (row, at) =>
      at === 0 || score(row) !== score(order[at - 1] ?? 0) ? 1 : 0,
    )
    const isPositive = Uint8Array.from(order, (row) => (labels[row] === k ? 1 : 0))
    return { order, startsGroup, isPositive }
  })
  return (counts) => sorted.reduce((total, own) => total + areaOf(own, counts), 0) / classes
}

/** Pairs of one of the class with one of another: those that are ordered, and half of those that are equal. */
function areaOf(
  sorted: { readonly order: Int32Array; readonly startsGroup: Uint8Array; readonly isPositive: Uint8Array },
  counts: Int32Array,
): number {
  const { order, startsGroup, isPositive } = sorted
  let [positives, below, pairs] = [0, 0, 0] // below: negatives of smaller scores
  let [ownPositives, ownNegatives] = [0, 0] // of the group of equal scores
  const close = (): void => {
    pairs += ownPositives * (below + ownNegatives / 2)
    positives += ownPositives
    below += ownNegatives
    ownPositives = ownNegatives = 0
  }
  for (let at = 0; at < order.length; at += 1) {
    if (startsGroup[at] === 1) close()
    const count = counts[order[at] ?? 0] ?? 0
    if (isPositive[at] === 1) ownPositives += count
    else ownNegatives += count
  }
  close()
  return pairs / (positives * below)
}
