// Random views of a slice: turned, moved, zoomed, in another contrast, under an uneven field, with noise.
import { Random } from './random.js'

/** Bilinear value at (x, y), in pixels; zero outside. */
function sample(image: Float32Array, size: number, x: number, y: number): number {
  const column = Math.floor(x)
  const row = Math.floor(y)
  if (column < 0 || row < 0 || column >= size - 1 || row >= size - 1) return 0
  const at = row * size + column
  const a = x - column
  const b = y - row
  const above = (image[at] ?? 0) * (1 - a) + (image[at + 1] ?? 0) * a
  const below = (image[at + size] ?? 0) * (1 - a) + (image[at + size + 1] ?? 0) * a
  return above * (1 - b) + below * b
}

/** To zero mean and unit variance, in place: what the network reads. */
export function normalise(image: Float32Array): void {
  const mean = image.reduce((sum, value) => sum + value, 0) / image.length
  const variance = image.reduce((sum, value) => sum + (value - mean) ** 2, 0) / image.length
  const scale = 1 / Math.sqrt(variance + 1e-6)
  for (let i = 0; i < image.length; i += 1) image[i] = ((image[i] ?? 0) - mean) * scale
}

/** Writes one random view of `image` to `out`, both [size, size]. */
export function augment(image: Float32Array, size: number, random: Random, out: Float32Array): void {
  const zoom = random.between(0.8, 1.15)
  const angle = random.between(-0.45, 0.45)
  const cos = zoom * Math.cos(angle)
  const sin = zoom * Math.sin(angle)
  const shiftX = random.between(-0.1, 0.1) * size
  const shiftY = random.between(-0.1, 0.1) * size
  const gamma = random.between(0.6, 1.6)
  const fieldX = random.between(-0.3, 0.3) / size
  const fieldY = random.between(-0.3, 0.3) / size
  const noise = random.between(0, 0.04)
  const centre = (size - 1) / 2
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const u = column - centre
      const v = row - centre
      const value = sample(
        image,
        size,
        centre + u * cos + v * sin + shiftX,
        centre + v * cos - u * sin + shiftY,
      )
      out[row * size + column] =
        Math.max(0, value) ** gamma * (1 + fieldX * u + fieldY * v) + noise * random.normal()
    }
  }
  normalise(out)
}
