// A head drawn from formulas.
import { hippocampusDistance, hippocampusPart, paintBrain } from './brain.js'
import { paintSkullAndFace, skinDistance } from './face.js'
import { dura } from './hull.js'
import { unwarp, type Head, type Subject } from './subject.js'
import type { Brush } from './tissue.js'

export class ProceduralHead implements Head {
  readonly #subject: Subject
  readonly #at = new Float64Array(3)

  constructor(subject: Subject) {
    this.#subject = subject
  }

  paint(x: number, y: number, z: number, brush: Brush): void {
    // Far from any head nothing need be computed.
    if (z > 0 ? (x / 100) ** 2 + ((y + 16) / 122) ** 2 > 1 : Math.abs(x) > 110 || y > 130) return
    const at = this.#at
    unwarp(this.#subject, x, y, z, at)
    const skinAt = skinDistance(this.#subject, at)
    if (skinAt > 8) return
    const outside = paintSkullAndFace(this.#subject, at, skinAt, brush)
    if (outside < 6) paintBrain(this.#subject, at, outside, brush)
    const grain = 1 + 0.025 * this.#subject.grain.at(x, y, z)
    for (let i = 0; i < brush.values.length; i += 1) brush.values[i] = (brush.values[i] ?? 0) * grain
  }

  cavity(x: number, y: number, z: number): number {
    const at = this.#at
    unwarp(this.#subject, x, y, z, at)
    return dura(at[0] ?? 0, at[1] ?? 0, at[2] ?? 0)
  }

  hippocampus(x: number, y: number, z: number): number {
    const at = this.#at
    unwarp(this.#subject, x, y, z, at)
    if (hippocampusDistance(this.#subject, at) > 0) return 0
    return hippocampusPart(at[1] ?? 0)
  }
}
