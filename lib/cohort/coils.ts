// What an array of receive coils sees of a slice: the image times each coil's smooth complex sensitivity, and noise in
// both channels.
import type { Complex } from './fft.js'
import type { Random } from '../random.js'

export interface Coil {
  /** Scanner's mm. */
  readonly x: number
  readonly y: number
  readonly z: number
  readonly gain: number
  /** Its phase: a constant, and turns along x and y in radians a mm. */
  readonly phase: number
  readonly phaseX: number
  readonly phaseY: number
}

/** A helmet of coils around the head. */
export function drawCoils(random: Random, count: number): Coil[] {
  return Array.from({ length: count }, (_, at) => {
    const angle = (2 * Math.PI * (at + random.between(-0.2, 0.2))) / count
    return {
      x: 125 * Math.cos(angle),
      y: -14 + 145 * Math.sin(angle),
      z: random.between(-30, 70),
      gain: random.between(0.75, 1.25),
      phase: random.between(0, 2 * Math.PI),
      phaseX: random.between(-0.008, 0.008),
      phaseY: random.between(-0.008, 0.008),
    }
  })
}

export interface Plane {
  readonly rows: number
  readonly columns: number
  /** Scanner's mm of the first pixel's middle, and from one pixel to the next. */
  readonly x: number
  readonly y: number
  readonly z: number
  readonly stepX: number
  readonly stepY: number
}

/** The coil's image of a slice. `signal` in the scale that the k-space shall have. */
export function see(coil: Coil, plane: Plane, signal: Float32Array, image: Complex): void {
  let at = 0
  for (let row = 0; row < plane.rows; row += 1) {
    const y = plane.y + row * plane.stepY
    for (let column = 0; column < plane.columns; column += 1, at += 1) {
      const value = signal[at] ?? 0
      if (value === 0) {
        image.re[at] = 0
        image.im[at] = 0
        continue
      }
      const x = plane.x + column * plane.stepX
      const square = (x - coil.x) ** 2 + (y - coil.y) ** 2 + (plane.z - coil.z) ** 2
      const size = (value * coil.gain) / (1 + square / 13000)
      const angle = coil.phase + coil.phaseX * x + coil.phaseY * y
      image.re[at] = size * Math.cos(angle)
      image.im[at] = size * Math.sin(angle)
    }
  }
}

export function addNoise(image: Complex, deviation: number, random: Random): void {
  for (let at = 0; at < image.re.length; at += 1) {
    const size = deviation * Math.sqrt(-2 * Math.log(1 - random.unit()))
    const angle = 2 * Math.PI * random.unit()
    image.re[at] = (image.re[at] ?? 0) + size * Math.cos(angle)
    image.im[at] = (image.im[at] ?? 0) + size * Math.sin(angle)
  }
}
