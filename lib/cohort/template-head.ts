// A head deformed from a template: its T1 values tell the tissues, and those the other contrasts.
import { hippocampusDistance, hippocampusPart } from './brain.js'
import { unwarp, type Head, type Subject } from './subject.js'
import type { Template } from './template.js'
import { tissue, type Brush } from './tissue.js'

export class TemplateHead implements Head {
  readonly #subject: Subject
  readonly #template: Template
  readonly #at = new Float64Array(3)

  constructor(subject: Subject, template: Template) {
    // The folds are the template's own: to differ, its heads are deformed more.
    this.#subject = { ...subject, warpMm: 1.8 * subject.warpMm }
    this.#template = template
  }

  paint(x: number, y: number, z: number, brush: Brush): void {
    const at = this.#at
    unwarp(this.#subject, x, y, z, at)
    const value = this.#sample(this.#template.values)
    if (value <= 0) return
    const brain = this.#sample(this.#template.brain) / 255
    if (brain < 1) this.#paintOutside(value, brush)
    if (brain > 0) this.#paintBrain(value, brain, brush)
    brush.brain = brain
  }

  cavity(x: number, y: number, z: number): number {
    unwarp(this.#subject, x, y, z, this.#at)
    // The share of brain within some millimetres says how deep a point lies.
    let share = 0
    const at = this.#at
    const [u, v, w] = at as unknown as [number, number, number]
    for (const [dx, dy, dz] of neighbours) {
      at.set([u + 5 * dx, v + 5 * dy, w + 5 * dz])
      share += this.#sample(this.#template.brain)
    }
    return 10 * (0.5 - share / (255 * neighbours.length))
  }

  hippocampus(x: number, y: number, z: number): number {
    const at = this.#at
    unwarp(this.#subject, x, y, z, at)
    if (hippocampusDistance(this.#subject, at) > 0) return 0
    const [fluid, grey] = this.#template.levels
    if (this.#sample(this.#template.values) < 0.5 * (fluid + grey)) return 0
    return hippocampusPart(at[1] ?? 0)
  }

  #paintOutside(value: number, brush: Brush): void {
    const fat = this.#template.levels[3]
    const share = value / fat
    brush.over(1, tissue.bone)
    brush.over(Math.min(1, Math.max(0, (share - 0.08) / 0.3)), tissue.muscle)
    brush.over(Math.min(1, Math.max(0, (share - 0.42) / 0.5)), tissue.fat)
  }

  #paintBrain(value: number, brain: number, brush: Brush): void {
    const [fluid, grey, white] = this.#template.levels
    brush.over(brain, tissue.csf)
    brush.over(brain * Math.min(1, Math.max(0, (value - fluid) / (grey - fluid))), tissue.grey)
    brush.over(brain * Math.min(1, Math.max(0, (value - grey) / (white - grey))), tissue.white)
  }

  /** Trilinear at the template's point; 0 outside. */
  #sample(values: Uint8Array): number {
    const { shape, steps, offsets } = this.#template
    const at = this.#at
    const u = (at[0] ?? 0) * (steps[0] ?? 0) + (offsets[0] ?? 0)
    const v = (at[1] ?? 0) * (steps[1] ?? 0) + (offsets[1] ?? 0)
    const w = (at[2] ?? 0) * (steps[2] ?? 0) + (offsets[2] ?? 0)
    const [nx, ny, nz] = shape
    if (!(u >= 0 && v >= 0 && w >= 0 && u < nx - 1 && v < ny - 1 && w < nz - 1)) return 0
    const i = Math.floor(u)
    const j = Math.floor(v)
    const k = Math.floor(w)
    const base = (k * ny + j) * nx + i
    const near = bilinear(values, base, nx, u - i, v - j)
    return near + (w - k) * (bilinear(values, base + nx * ny, nx, u - i, v - j) - near)
  }
}

const neighbours = [
  [1, 0, 0],
  [-1, 0, 0],
  [0, 1, 0],
  [0, -1, 0],
  [0, 0, 1],
  [0, 0, -1],
  [0, 0, 0],
] as const

function bilinear(values: Uint8Array, at: number, row: number, a: number, b: number): number {
  const p = values[at] ?? 0
  const q = values[at + row] ?? 0
  const low = p + a * ((values[at + 1] ?? 0) - p)
  return low + b * (q + a * ((values[at + row + 1] ?? 0) - q) - low)
}
