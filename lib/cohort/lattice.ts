// Smooth random fields over the head, computed once on a cubic lattice and interpolated after: random plane waves of
// nearly one length, added up. Their zeros are evenly spaced winding sheets, which is what sulci are.
import type { Random } from '../random.js'

const reach = 135 // mm from the origin to the lattice's sides

export class Lattice {
  readonly #values: Float32Array
  readonly #count: number
  readonly #perMm: number

  constructor(values: Float32Array, count: number) {
    this.#values = values
    this.#count = count
    this.#perMm = (count - 1) / (2 * reach)
  }

  /** Trilinear; outside, as at the nearest side. */
  at(x: number, y: number, z: number): number {
    const count = this.#count
    const values = this.#values
    const most = count - 1.001
    const u = Math.min(most, Math.max(0, (x + reach) * this.#perMm))
    const v = Math.min(most, Math.max(0, (y + reach) * this.#perMm))
    const w = Math.min(most, Math.max(0, (z + reach) * this.#perMm))
    const i = Math.floor(u)
    const j = Math.floor(v)
    const k = Math.floor(w)
    const a = u - i
    const b = v - j
    const base = (k * count + j) * count + i
    const near = mix(values, base, count, a, b)
    return near + (w - k) * (mix(values, base + count * count, count, a, b) - near)
  }
}

/** Bilinear between values at, at + 1, and the next row's. */
function mix(values: Float32Array, at: number, row: number, a: number, b: number): number {
  const p = values[at] ?? 0
  const q = values[at + row] ?? 0
  const low = p + a * ((values[at + 1] ?? 0) - p)
  const high = q + a * ((values[at + row + 1] ?? 0) - q)
  return low + b * (high - low)
}

interface Wave {
  readonly kx: number
  readonly ky: number
  readonly kz: number
  readonly phase: number
}

function drawWaves(random: Random, count: number, length: number): Wave[] {
  return Array.from({ length: count }, () => {
    const [x, y, z] = [random.normal(), random.normal(), random.normal()]
    const k = (2 * Math.PI) / (length * random.between(0.88, 1.14)) / Math.hypot(x, y, z)
    return { kx: k * x, ky: k * y, kz: k * z, phase: random.between(0, 2 * Math.PI) }
  })
}

/** Along one line: the field and its slopes along x, y and z. */
interface Sums {
  readonly value: Float64Array
  readonly dx: Float64Array
  readonly dy: Float64Array
  readonly dz: Float64Array
}

/** Adds a wave along a line of constant y and z, by turning a phasor from point to point. */
function addLine(wave: Wave, y: number, z: number, step: number, sums: Sums): void {
  const { value, dx, dy, dz } = sums
  const start = wave.ky * y + wave.kz * z + wave.phase - wave.kx * reach
  let cos = Math.cos(start)
  let sin = Math.sin(start)
  const turnCos = Math.cos(wave.kx * step)
  const turnSin = Math.sin(wave.kx * step)
  for (let i = 0; i < value.length; i += 1) {
    value[i] = (value[i] ?? 0) + cos
    dx[i] = (dx[i] ?? 0) - wave.kx * sin
    dy[i] = (dy[i] ?? 0) - wave.ky * sin
    dz[i] = (dz[i] ?? 0) - wave.kz * sin
    const next = cos * turnCos - sin * turnSin
    sin = sin * turnCos + cos * turnSin
    cos = next
  }
}

interface Plan {
  readonly length: number // mm
  readonly perWave: number // lattice points
  readonly finish: (sums: Sums, i: number, scale: number) => number
}

function fill(random: Random, { length, perWave, finish }: Plan): Lattice {
  const waves = drawWaves(random, 14, length)
  const count = Math.ceil((2 * reach) / Math.min(16, length / perWave)) + 1
  const step = (2 * reach) / (count - 1)
  const values = new Float32Array(count ** 3)
  const line = (): Float64Array => new Float64Array(count)
  const sums: Sums = { value: line(), dx: line(), dy: line(), dz: line() }
  const scale = Math.sqrt(2 / waves.length) // to variance 1
  let at = 0
  for (let k = 0; k < count; k += 1) {
    for (let j = 0; j < count; j += 1) {
      for (const sum of [sums.value, sums.dx, sums.dy, sums.dz]) sum.fill(0)
      for (const wave of waves) addLine(wave, j * step - reach, k * step - reach, step, sums)
      for (let i = 0; i < count; i += 1, at += 1) values[at] = finish(sums, i, scale)
    }
  }
  return new Lattice(values, count)
}

/** A field of mean 0 and variance 1 whose waves are about `length` mm long. */
export function drawField(random: Random, length: number): Lattice {
  const finish: Plan['finish'] = ({ value }, i, scale) => (value[i] ?? 0) * scale
  return fill(random, { length, perWave: 4.5, finish })
}

/** About the distance in mm to the nearest of winding sheets, half of `length` apart; its sign tells the side. */
export function drawSheets(random: Random, length: number): Lattice {
  const flat = Math.PI / length // a slope below which the estimate would run away
  const finish: Plan['finish'] = ({ value, dx, dy, dz }, i) => {
    const slope = Math.sqrt((dx[i] ?? 0) ** 2 + (dy[i] ?? 0) ** 2 + (dz[i] ?? 0) ** 2)
    return (value[i] ?? 0) / Math.max(slope, flat)
  }
  return fill(random, { length, perWave: 6, finish })
}
