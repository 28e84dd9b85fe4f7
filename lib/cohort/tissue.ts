// What a head is made of, how bright each of it is in each contrast, and the brush that paints with it.
import type { Random } from '../random.js'

export const contrasts = ['t1', 't1ce', 't2', 'flair', 'pd', 'mra'] as const
export type Contrast = (typeof contrasts)[number]

/** Brightness in the order of `contrasts`, in thousandths of the scan's full scale; plausible, not measured. */
const brightness = {
  air: [0, 0, 0, 0, 0, 0],
  skin: [380, 430, 230, 260, 420, 120],
  muscle: [330, 380, 170, 230, 420, 110],
  fat: [930, 900, 560, 520, 640, 160],
  bone: [50, 50, 40, 40, 70, 30],
  marrow: [520, 540, 330, 330, 420, 90],
  dura: [230, 560, 170, 210, 300, 90],
  csf: [140, 145, 960, 90, 830, 60],
  grey: [470, 480, 570, 570, 790, 190],
  white: [720, 725, 390, 420, 650, 170],
  nucleus: [560, 570, 470, 500, 720, 180],
  blood: [240, 860, 130, 160, 330, 950],
  gland: [500, 860, 540, 540, 700, 180],
  spots: [560, 560, 690, 840, 800, 180],
  necrosis: [210, 215, 860, 430, 830, 100],
  enhancing: [430, 960, 620, 660, 790, 260],
  oedema: [440, 440, 800, 850, 840, 170],
  meningioma: [455, 940, 560, 610, 760, 300],
  adenoma: [430, 780, 580, 590, 730, 220],
} as const satisfies Record<string, readonly number[]>

const names = Object.keys(brightness) as (keyof typeof brightness)[]

/** Tissue's name -> its number in a table. */
export const tissue = Object.fromEntries(names.map((name, at) => [name, at])) as Readonly<
  Record<keyof typeof brightness, number>
>

/** The brightness of every tissue in one contrast, each a little off, as in every scan. */
export function drawTable(contrast: Contrast, random: Random): Float64Array {
  const at = contrasts.indexOf(contrast)
  const table = names.map((name) => {
    const off = 1 + 0.035 * random.normal()
    return ((brightness[name] as readonly number[])[at] ?? 0) * off
  })
  return Float64Array.from(table)
}

/** The values at one point in several contrasts, painted layer over layer. */
export class Brush {
  readonly values: Float64Array
  /** How much of the point is white matter, and brain at all. */
  white = 0
  brain = 0
  readonly #tables: readonly Float64Array[]
  /** mm over which an edge is blurred: the partial volume of a voxel. */
  readonly #soft: number

  constructor(tables: readonly Float64Array[], soft: number) {
    this.#tables = tables
    this.#soft = soft
    this.values = new Float64Array(tables.length)
  }

  start(): void {
    this.values.fill(0)
    this.white = 0
    this.brain = 0
  }

  /** How much of a voxel lies inside of an edge at a signed distance. */
  cover(distance: number): number {
    return Math.min(1, Math.max(0, 0.5 - distance / this.#soft))
  }

  over(cover: number, what: number): void {
    if (cover <= 0) return
    for (let i = 0; i < this.values.length; i += 1) {
      const value = this.values[i] ?? 0
      this.values[i] = value + cover * ((this.#tables[i]?.[what] ?? 0) - value)
    }
    this.white += cover * ((what === tissue.white ? 1 : 0) - this.white)
  }

  inside(distance: number, what: number): void {
    this.over(this.cover(distance), what)
  }
}
