// Simulated tumours: an infiltrating glioma with oedema, rim and necrotic core; a meningioma on the dura; a pituitary
// adenoma. They push what is around them away.
import type { Head } from './subject.js'
import type { Lattice } from './lattice.js'
import { drawField } from './lattice.js'
import { Random } from '../random.js'
import { tissue, type Brush } from './tissue.js'

export const tumourKinds = ['none', 'glioma', 'meningioma', 'pituitary'] as const
export type TumourKind = (typeof tumourKinds)[number]

/** In the masks; 1, 2 and 4 are BraTS's. */
export const tumourLabels = { necrosis: 1, oedema: 2, enhancing: 4, meningioma: 5, pituitary: 6 } as const

export interface Tumour {
  readonly kind: Exclude<TumourKind, 'none'>
  readonly centre: readonly [number, number, number]
  readonly radius: number // mm
  /** mm of enhancing rim; a meningioma or adenoma is solid. */
  readonly rim: number
  /** mm beyond the tumour to which the oedema reaches. */
  readonly oedema: number
  /** How irregular its surface is. */
  readonly rough: number
  readonly push: number
  readonly surface: Lattice
}

export function drawTumour(
  kind: TumourKind,
  key: readonly (string | number)[],
  head: Head,
): Tumour | undefined {
  const random = new Random(...key, 'tumour')
  const surface = drawField(new Random(...key, 'surface'), random.between(26, 44))
  switch (kind) {
    case 'none':
      return undefined
    case 'glioma':
      return { kind, surface, ...drawGlioma(random) }
    case 'meningioma':
      return { kind, surface, ...drawMeningioma(random, head) }
    case 'pituitary': {
      const radius = random.between(6, 12)
      const centre = [random.between(-2, 2), 3, -33 + 0.75 * radius] as const
      return { kind, surface, centre, radius, rim: 0, oedema: 0, rough: 0.1, push: 0.35 }
    }
  }
}

function drawGlioma(random: Random): Omit<Tumour, 'kind' | 'surface'> {
  const centre = [
    random.sign() * random.between(17, 42),
    random.between(-62, 36),
    random.between(0, 38),
  ] as const
  return {
    centre,
    radius: random.between(9, 22),
    rim: random.between(2.5, 6),
    oedema: random.between(5, 18),
    rough: random.between(0.12, 0.28),
    push: random.between(0.25, 0.5),
  }
}

function drawMeningioma(random: Random, head: Head): Omit<Tumour, 'kind' | 'surface'> {
  const radius = random.between(8, 20)
  const turn = random.between(0, 2 * Math.PI)
  const up = random.between(-0.1, 1)
  const flat = Math.sqrt(1 - up * up)
  const [u, v] = [flat * Math.cos(turn), flat * Math.sin(turn)]
  let distance = 40
  while (distance < 110 && head.cavity(u * distance, v * distance - 17, up * distance + 12) < 0)
    distance += 0.5
  const deep = distance - 0.5 * radius
  return {
    centre: [u * deep, v * deep - 17, up * deep + 12],
    radius,
    rim: 0,
    oedema: random.unit() < 0.5 ? random.between(3, 9) : 0,
    rough: 0.07,
    push: random.between(0.35, 0.55),
  }
}

/** From a place in the deformed head to the one it was pushed from. */
export function unpush(tumour: Tumour, head: Head, at: Float64Array): void {
  const [x = 0, y = 0, z = 0] = at
  const [cx, cy, cz] = tumour.centre
  const r = Math.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2)
  const scaled = r / (1.5 * tumour.radius)
  if (scaled > 2.2) return
  // Bone does not yield.
  const room = Math.min(1, Math.max(0, -head.cavity(x, y, z) / 10))
  const keep = 1 - tumour.push * room * Math.exp(-scaled * scaled)
  at[0] = cx + (x - cx) * keep
  at[1] = cy + (y - cy) * keep
  at[2] = cz + (z - cz) * keep
}

/** Paints over the head, and tells the label of the point. */
export function paintTumour(tumour: Tumour, head: Head, at: Float64Array, brush: Brush): number {
  const [x = 0, y = 0, z = 0] = at
  const [cx, cy, cz] = tumour.centre
  const r = Math.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2)
  if (r > 1.6 * (tumour.radius + tumour.oedema) + 4) return 0
  const wave = Math.max(-1.6, Math.min(1.6, tumour.surface.at(x, y, z)))
  const d = r - tumour.radius * (1 + tumour.rough * wave)
  let label = 0
  if (tumour.oedema > 0) label = paintOedema(tumour, r, wave, brush)
  switch (tumour.kind) {
    case 'glioma':
      return paintGlioma(tumour, d, wave, brush) || label
    case 'meningioma': {
      const outside = head.cavity(x, y, z)
      const body = Math.max(d, outside)
      brush.over(brush.cover(Math.max(d - 1.2, outside)) * 0.8, tissue.csf)
      brush.inside(body, tissue.meningioma)
      // The dura next to it takes up contrast medium too: its tail.
      const tail = Math.max(Math.abs(outside) - 1.3, r - 1.5 * tumour.radius)
      brush.over(0.8 * brush.cover(tail), tissue.meningioma)
      return body < 0 ? tumourLabels.meningioma : label
    }
    case 'pituitary':
      brush.inside(d, tissue.adenoma)
      brush.over(0.5 * brush.cover(d + 0.55 * tumour.radius) * (wave > 0.3 ? 1 : 0), tissue.necrosis)
      return d < 0 ? tumourLabels.pituitary : 0
  }
}

/** It spreads in white matter, spares cortex, and never leaves the brain. */
function paintOedema(tumour: Tumour, r: number, wave: number, brush: Brush): number {
  const d = r - (tumour.radius + tumour.oedema) * (1 + 1.4 * tumour.rough * wave)
  const cover = brush.cover(d / 2) * brush.brain * Math.min(1, 0.12 + brush.white) * 0.9
  brush.over(cover, tissue.oedema)
  return cover > 0.45 ? tumourLabels.oedema : 0
}

function paintGlioma(tumour: Tumour, d: number, wave: number, brush: Brush): number {
  if (brush.brain <= 0) return 0
  const rim = tumour.rim * (1 - 0.3 * wave)
  brush.over(brush.cover(d) * brush.brain, tissue.enhancing)
  brush.over(brush.cover(d + rim) * brush.brain, tissue.necrosis)
  if (d > 0 || brush.brain < 0.5) return 0
  return d < -rim ? tumourLabels.necrosis : tumourLabels.enhancing
}
