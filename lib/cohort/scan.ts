// A scan of a head: where its voxels lie, what the head is there, and what coils and noise make of it.
import { pick, Random } from '../random.js'
import type { Head } from './subject.js'
import { Brush, drawTable, type Contrast } from './tissue.js'
import { paintTumour, unpush, type Tumour } from './tumour.js'

/** Rows of a 3 x 4 matrix. */
export type Affine = readonly number[]

export interface Grid {
  readonly shape: readonly [number, number, number]
  /** From indices, first fastest, to the scanner's millimetres. */
  readonly affine: Affine
  /** Voxel's extents along the scanner's z beyond one point, mm: thick slices are averaged. */
  readonly thickness?: number
}

export interface Scene {
  readonly head: Head
  readonly tumour: Tumour | undefined
}

export interface Clean {
  /** In the order of the contrasts; thousandths of full scale. */
  readonly signals: readonly Float32Array[]
  readonly brain: Float32Array
  readonly tumour: Uint8Array
  readonly hippocampus: Uint8Array
}

/** How the head lies in the scanner: scanner's mm -> head's. */
export function drawPose(random: Random, degrees: number, mm: number): Affine {
  const [a, b, c] = [0, 1, 2].map(() => (random.normal() * degrees * Math.PI) / 180) as [
    number,
    number,
    number,
  ]
  const [ca, sa, cb, sb, cc, sc] = [
    Math.cos(a),
    Math.sin(a),
    Math.cos(b),
    Math.sin(b),
    Math.cos(c),
    Math.sin(c),
  ]
  const shift = (): number => random.normal() * mm
  return [
    ...[cb * cc, sa * sb * cc - ca * sc, ca * sb * cc + sa * sc, shift()],
    ...[cb * sc, sa * sb * sc + ca * cc, ca * sb * sc - sa * cc, shift()],
    ...[-sb, sa * cb, ca * cb, shift()],
  ]
}

export function compose(outer: Affine, inner: Affine): number[] {
  return Array.from({ length: 12 }, (_, at) => {
    const row = Math.floor(at / 4) * 4
    const column = at % 4
    let sum = column === 3 ? (outer[row + 3] ?? 0) : 0
    for (let k = 0; k < 3; k += 1) sum += (outer[row + k] ?? 0) * (inner[4 * k + column] ?? 0)
    return sum
  })
}

/** A grid whose stored axes run along the named directions, centred on a point. */
export function makeGrid(
  axes: string,
  shape: readonly [number, number, number],
  spacing: readonly [number, number, number],
  centre: readonly [number, number, number],
): Grid {
  const affine = new Array<number>(12).fill(0)
  const directions = ['LR', 'PA', 'IS'] // negative, positive
  for (let axis = 0; axis < 3; axis += 1) {
    const row = directions.findIndex((pair) => pair.includes(axes[axis] ?? ''))
    const sign = (directions[row] ?? '')[1] === axes[axis] ? 1 : -1
    const step = sign * (spacing[axis] ?? 0)
    affine[4 * row + axis] = step
    affine[4 * row + 3] = (centre[row] ?? 0) - (step * ((shape[axis] ?? 0) - 1)) / 2
  }
  return { shape, affine }
}

/** The signal of the scene without noise. `pose`: scanner's mm -> head's. */
export function render(scene: Scene, grid: Grid, pose: Affine, tables: readonly Float64Array[]): Clean {
  const { shape, thickness = 0 } = grid
  const count = shape[0] * shape[1] * shape[2]
  const clean = {
    signals: tables.map(() => new Float32Array(count)),
    brain: new Float32Array(count),
    tumour: new Uint8Array(count),
    hippocampus: new Uint8Array(count),
  }
  const brush = new Brush(tables, softness(grid))
  const painter = new Painter(scene, brush, clean)
  const levels = thickness > 0 ? [-thickness / 3, 0, thickness / 3] : [0]
  const matrix = compose(pose, grid.affine)
  const point = painter.point
  let at = 0
  for (let k = 0; k < shape[2]; k += 1) {
    for (let j = 0; j < shape[1]; j += 1) {
      for (let i = 0; i < shape[0]; i += 1, at += 1) {
        for (const level of levels) {
          for (let row = 0, m = 0; row < 3; row += 1, m += 4) {
            const inPlane = (matrix[m] ?? 0) * i + (matrix[m + 1] ?? 0) * j
            const through = (matrix[m + 2] ?? 0) * k + (matrix[m + 3] ?? 0)
            point[row] = inPlane + through + (pose[m + 2] ?? 0) * level
          }
          painter.add(at, 1 / levels.length, level === 0)
        }
      }
    }
  }
  return clean
}

/** mm over which an edge is blurred: a voxel, or the finer sampling of a thick slice. */
function softness({ affine, thickness = 0 }: Grid): number {
  const sides = [0, 1, 2].map((axis) =>
    Math.hypot(affine[axis] ?? 0, affine[4 + axis] ?? 0, affine[8 + axis] ?? 0),
  )
  const voxel = thickness > 0 ? Math.min(...sides) : Math.cbrt(sides.reduce((a, b) => a * b, 1))
  return Math.max(0.9, 1.1 * voxel)
}

class Painter {
  /** Head's mm. */
  readonly point = new Float64Array(3)
  readonly #moved = new Float64Array(3)
  readonly #scene: Scene
  readonly #brush: Brush
  readonly #clean: Clean

  constructor(scene: Scene, brush: Brush, clean: Clean) {
    this.#scene = scene
    this.#brush = brush
    this.#clean = clean
  }

  /** Adds the point, weighted, to a voxel; its label is that of the point in its middle. */
  add(at: number, weight: number, isMiddle: boolean): void {
    const brush = this.#brush
    const { head, tumour } = this.#scene
    const moved = this.#moved
    moved.set(this.point)
    if (tumour !== undefined) unpush(tumour, head, moved)
    const [x = 0, y = 0, z = 0] = moved
    brush.start()
    head.paint(x, y, z, brush)
    const label = tumour === undefined ? 0 : paintTumour(tumour, head, this.point, brush)
    for (let i = 0; i < brush.values.length; i += 1) {
      const signal = pick(this.#clean.signals, i)
      signal[at] = (signal[at] ?? 0) + weight * (brush.values[i] ?? 0)
    }
    this.#clean.brain[at] = (this.#clean.brain[at] ?? 0) + weight * brush.brain
    if (!isMiddle) return
    this.#clean.tumour[at] = label
    if (label === 0 && brush.brain > 0) this.#clean.hippocampus[at] = head.hippocampus(x, y, z)
  }
}

export interface Acquisition {
  /** The stored value of full scale. */
  readonly scale: number
  /** Standard deviation of the noise in each channel, thousandths of full scale. */
  readonly noise: number
  /** Amplitude of the coil's shading. */
  readonly bias: number
}

/** Multiplies by a smooth field that has its own form in every scan. */
export function shade(values: Float32Array, shape: Grid['shape'], bias: number, random: Random): void {
  const terms = Array.from({ length: 7 }, () => bias * random.normal())
  const [a, b, c, d, e, f, g] = terms as [number, number, number, number, number, number, number]
  let at = 0
  for (let k = 0; k < shape[2]; k += 1) {
    const w = (2 * k) / shape[2] - 1
    for (let j = 0; j < shape[1]; j += 1) {
      const v = (2 * j) / shape[1] - 1
      for (let i = 0; i < shape[0]; i += 1, at += 1) {
        const u = (2 * i) / shape[0] - 1
        const field = a * u + b * v + c * w + d * u * v + e * (u * u - 0.3) + f * (v * v - 0.3) + g * v * w
        values[at] = (values[at] ?? 0) * Math.max(0.3, 1 + field)
      }
    }
  }
}

/** Rician magnitude of each value with noise in both channels, as int16. */
export function acquire(values: Float32Array, how: Acquisition, random: Random): Int16Array {
  const stored = new Int16Array(values.length)
  const factor = how.scale / 1000
  for (let at = 0; at < values.length; at += 1) {
    const size = how.noise * Math.sqrt(-2 * Math.log(1 - random.unit()))
    const angle = 2 * Math.PI * random.unit()
    const real = (values[at] ?? 0) + size * Math.cos(angle)
    const imaginary = size * Math.sin(angle)
    stored[at] = Math.min(32767, Math.round(factor * Math.sqrt(real * real + imaginary * imaginary)))
  }
  return stored
}

export function drawTables(
  contrasts: readonly Contrast[],
  key: readonly (string | number)[],
): Float64Array[] {
  return contrasts.map((contrast) => drawTable(contrast, new Random(...key, contrast, 'table')))
}
