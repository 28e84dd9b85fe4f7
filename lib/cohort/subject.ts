// What makes a subject: age, proportions, folds of the cortex, size of the ventricles. A head is painted from them, by
// formulas or from a template.
import type { Brush } from './tissue.js'
import { drawField, drawSheets, type Lattice } from './lattice.js'
import { Random } from '../random.js'

export interface Subject {
  readonly age: number
  /** Of the head's width, length and height, relative to the template's. */
  readonly scale: readonly [number, number, number]
  /** Times the young adult's. */
  readonly ventricles: number
  /** mm on either side of the middle of a sulcus. */
  readonly sulci: number
  readonly cortex: number
  readonly skull: number
  readonly scalp: number
  /** Times the usual radius. */
  readonly hippocampus: number
  /** Of white matter's bright spots; above their field's value there is one. */
  readonly spots: number
  readonly warp: readonly Lattice[]
  readonly warpMm: number
  readonly folds: Lattice
  readonly folia: Lattice
  readonly grain: Lattice
}

/** A head in the template's place: mm, x to the right, y forwards, z up, 0 near the anterior commissure. */
export interface Head {
  paint(x: number, y: number, z: number, brush: Brush): void
  /** mm from the dura, negative inside of it; a rough figure far away. */
  cavity(x: number, y: number, z: number): number
  /** 1 in the anterior, 2 in the posterior hippocampus, 0 elsewhere. */
  hippocampus(x: number, y: number, z: number): number
}

/** `later`: years after the subject's first session; only what ages with them differs. */
export function drawSubject(key: readonly (string | number)[], ages: [number, number], later = 0): Subject {
  const random = new Random(...key, 'anatomy')
  const age = random.between(...ages) + later
  const years = Math.max(0, age - 30) / 50
  const field = (name: string, length: number): Lattice => drawField(new Random(...key, name), length)
  return {
    scale: [random.between(0.94, 1.05), random.between(0.93, 1.05), random.between(0.94, 1.05)],
    ventricles: random.between(0.65, 1.2) * (1 + random.between(0.25, 0.75) * years),
    sulci: random.between(0.2, 0.5) + 0.8 * years * random.between(0.4, 1),
    cortex: random.between(2.5, 3.2) - 0.3 * years,
    skull: random.between(5.5, 9),
    scalp: random.between(0, 4),
    hippocampus: random.between(0.9, 1.1) - 0.16 * years * random.between(0.2, 1),
    spots: 3.9 - 1.4 * Math.min(1, years * random.between(0.3, 1.3)),
    warpMm: random.between(1, 2.2),
    age,
    warp: ['x', 'y', 'z'].map((axis) => field(`warp ${axis}`, 90)),
    folds: drawSheets(new Random(...key, 'folds'), random.between(24, 30)),
    folia: field('folia', 28),
    grain: field('grain', 17),
  }
}

/** From a place in the subject's head to the same in the template's. */
export function unwarp(subject: Subject, x: number, y: number, z: number, out: Float64Array): void {
  const { warp, warpMm, scale } = subject
  const [dx, dy, dz] = warp as [Lattice, Lattice, Lattice]
  out[0] = x / scale[0] + warpMm * dx.at(x, y, z)
  out[1] = y / scale[1] + warpMm * dy.at(x, y, z)
  out[2] = z / scale[2] + warpMm * dz.at(x, y, z)
}
