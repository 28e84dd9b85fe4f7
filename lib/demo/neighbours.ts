// How good are features without a label in sight? For each slice: does the nearest other slice show the same subject?

/** Share of rows of `features` [count, width] whose nearest other row by cosine has the same label. */
export function nearestNeighbourAccuracy(features: Float32Array, width: number, labels: Int32Array): number {
  const count = labels.length
  const unit = Float32Array.from(features)
  for (let row = 0; row < count; row += 1) {
    const vector = unit.subarray(row * width, (row + 1) * width)
    const length = Math.hypot(...vector)
    for (let i = 0; i < width; i += 1) vector[i] = (vector[i] ?? 0) / Math.max(length, 1e-12)
  }
  let hits = 0
  for (let row = 0; row < count; row += 1) {
    let nearest = -1
    let closest = -Infinity
    for (let other = 0; other < count; other += 1) {
      if (other === row) continue
      let cosine = 0
      for (let i = 0; i < width; i += 1)
        cosine += (unit[row * width + i] ?? 0) * (unit[other * width + i] ?? 0)
      if (cosine > closest) {
        closest = cosine
        nearest = other
      }
    }
    if (labels[nearest] === labels[row]) hits += 1
  }
  return hits / count
}
