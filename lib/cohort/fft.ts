// Discrete Fourier transforms of any length, by the factors of the length (Cooley and Tukey), and fastMRI's centred,
// orthonormal transform of an image.

export class Fft {
  readonly #length: number
  readonly #factors: readonly number[]
  readonly #cos: Float64Array
  readonly #sin: Float64Array
  readonly #re: Float64Array
  readonly #im: Float64Array

  constructor(length: number) {
    this.#length = length
    this.#factors = factorsOf(length)
    this.#cos = Float64Array.from({ length }, (_, k) => Math.cos((2 * Math.PI * k) / length))
    this.#sin = Float64Array.from({ length }, (_, k) => -Math.sin((2 * Math.PI * k) / length))
    const most = Math.max(1, ...this.#factors)
    this.#re = new Float64Array(most)
    this.#im = new Float64Array(most)
  }

  /** Forward, not scaled; from `input` to `output`, real and imaginary parts apart. */
  transform(input: Complex, output: Complex): void {
    this.#step(input, output, { from: 0, to: 0, stride: 1, length: this.#length }, 0)
  }

  #step(input: Complex, output: Complex, part: Part, level: number): void {
    const { from, to, stride, length } = part
    const factor = this.#factors[level]
    if (factor === undefined) {
      output.re[to] = input.re[from] ?? 0
      output.im[to] = input.im[from] ?? 0
      return
    }
    const each = length / factor
    for (let r = 0; r < factor; r += 1) {
      const inner = { from: from + r * stride, to: to + r * each, stride: stride * factor, length: each }
      this.#step(input, output, inner, level + 1)
    }
    for (let k = 0; k < each; k += 1) this.#butterfly(output, to + k, each, factor)
  }

  /** Joins the k-th results of `factor` transforms of length `each`. */
  #butterfly(output: Complex, at: number, each: number, factor: number): void {
    const { re, im } = output
    const turn = this.#length / (each * factor)
    const k = at % each
    for (let r = 0; r < factor; r += 1) {
      const cos = this.#cos[r * k * turn] ?? 0
      const sin = this.#sin[r * k * turn] ?? 0
      const a = re[at + r * each] ?? 0
      const b = im[at + r * each] ?? 0
      this.#re[r] = a * cos - b * sin
      this.#im[r] = a * sin + b * cos
    }
    if (factor === 2) {
      this.#pair(output, at, each)
      return
    }
    if (factor === 4) {
      this.#quartet(output, at, each)
      return
    }
    const quarter = this.#length / factor
    for (let q = 0; q < factor; q += 1) {
      let a = 0
      let b = 0
      for (let r = 0; r < factor; r += 1) {
        const turned = ((r * q) % factor) * quarter
        const cos = this.#cos[turned] ?? 0
        const sin = this.#sin[turned] ?? 0
        a += (this.#re[r] ?? 0) * cos - (this.#im[r] ?? 0) * sin
        b += (this.#re[r] ?? 0) * sin + (this.#im[r] ?? 0) * cos
      }
      re[at + q * each] = a
      im[at + q * each] = b
    }
  }

  #pair({ re, im }: Complex, at: number, each: number): void {
    const a = this.#re[0] ?? 0
    const b = this.#re[1] ?? 0
    const c = this.#im[0] ?? 0
    const d = this.#im[1] ?? 0
    re[at] = a + b
    im[at] = c + d
    re[at + each] = a - b
    im[at + each] = c - d
  }

  #quartet({ re, im }: Complex, at: number, each: number): void {
    const re0 = this.#re[0] ?? 0
    const re1 = this.#re[1] ?? 0
    const re2 = this.#re[2] ?? 0
    const re3 = this.#re[3] ?? 0
    const im0 = this.#im[0] ?? 0
    const im1 = this.#im[1] ?? 0
    const im2 = this.#im[2] ?? 0
    const im3 = this.#im[3] ?? 0
    re[at] = re0 + re2 + (re1 + re3)
    im[at] = im0 + im2 + (im1 + im3)
    re[at + each] = re0 - re2 + (im1 - im3)
    im[at + each] = im0 - im2 - (re1 - re3)
    re[at + 2 * each] = re0 + re2 - (re1 + re3)
    im[at + 2 * each] = im0 + im2 - (im1 + im3)
    re[at + 3 * each] = re0 - re2 - (im1 - im3)
    im[at + 3 * each] = im0 - im2 + (re1 - re3)
  }
}

interface Part {
  readonly from: number
  readonly to: number
  readonly stride: number
  readonly length: number
}

export interface Complex {
  readonly re: Float64Array
  readonly im: Float64Array
}

export function makeComplex(length: number): Complex {
  return { re: new Float64Array(length), im: new Float64Array(length) }
}

function factorsOf(length: number): number[] {
  const factors: number[] = []
  let rest = length
  for (const prime of [4, 2, 3, 5]) {
    for (; rest % prime === 0; rest /= prime) factors.push(prime)
  }
  for (let prime = 7; rest > 1; prime += 2) {
    for (; rest % prime === 0; rest /= prime) factors.push(prime)
  }
  return factors
}

/** ifftshift, (inverse) transform, fftshift, scaled to keep the energy, over rows and columns, in place. */
export class CentredFft2 {
  readonly #rows: number
  readonly #columns: number
  readonly #alongRow: Fft
  readonly #alongColumn: Fft

  constructor(rows: number, columns: number) {
    this.#rows = rows
    this.#columns = columns
    this.#alongRow = new Fft(columns)
    this.#alongColumn = new Fft(rows)
  }

  forward(image: Complex): void {
    const rows = this.#rows
    const columns = this.#columns
    for (let row = 0; row < rows; row += 1) line(this.#alongRow, image, row * columns, 1, columns)
    for (let column = 0; column < columns; column += 1) line(this.#alongColumn, image, column, columns, rows)
  }

  /** By swapping real and imaginary parts on both sides. */
  inverse(image: Complex): void {
    this.forward({ re: image.im, im: image.re })
  }
}

const buffers = new Map<number, readonly [Complex, Complex]>()

function line(fft: Fft, image: Complex, start: number, step: number, length: number): void {
  const pair = buffers.get(length) ?? [makeComplex(length), makeComplex(length)]
  buffers.set(length, pair)
  const [input, output] = pair
  const half = Math.floor(length / 2)
  for (let i = 0; i < length; i += 1) {
    const at = start + ((i + half) % length) * step
    input.re[i] = image.re[at] ?? 0
    input.im[i] = image.im[at] ?? 0
  }
  fft.transform(input, output)
  const scale = 1 / Math.sqrt(length)
  for (let i = 0; i < length; i += 1) {
    const at = start + ((i + half) % length) * step
    image.re[at] = (output.re[i] ?? 0) * scale
    image.im[at] = (output.im[i] ?? 0) * scale
  }
}
