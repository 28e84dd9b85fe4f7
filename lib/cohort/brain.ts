// What lies inside of the dura: cerebrospinal fluid, folded cortex over white matter, ventricles and the nuclei around
// them, hippocampi, cerebellum, brain stem, vessels.
import { brainStem, cerebellum, cerebrum, lobesHull } from './hull.js'
import { distanceTo, ellipsoid, smoothMin, Tube } from './shapes.js'
import type { Subject } from './subject.js'
import { tissue, type Brush } from './tissue.js'

const caudate = new Tube([
  [13, 19, 4, 6],
  [15, 6, 14, 4.5],
  [18, -14, 20, 2.8],
])
const putamen = ellipsoid(26, 2, 1, [5.5, 17, 10])
const pallidum = ellipsoid(19, -3, 0, [4, 9, 6.5])
const thalamus = ellipsoid(11, -18, 7, [9.5, 15, 9])
const amygdala = ellipsoid(23, -3, -19, [7, 6, 6])
const gland = ellipsoid(0, 3, -32, [6, 4.5, 3.5])
const fourth = ellipsoid(0, -44, -35, [5, 4, 8])
const dentate = ellipsoid(16, -58, -36, [7, 8, 4])
const bodies = [
  new Tube([
    [5, 29, 3, 2.4],
    [9, 20, 10, 4.2],
    [12, -3, 20, 4.3],
    [17, -28, 20, 4.6],
    [25, -43, 10, 5.6],
    [26, -64, 6, 1.8],
  ]),
  new Tube([
    [25, -43, 9, 4],
    [35, -31, -6, 2.2],
    [34, -12, -15, 1.7],
  ]),
] as const
const hippocampusTube = new Tube([
  [22, -8, -21, 6.2],
  [25, -16, -19.5, 5.8],
  [28.5, -25, -14, 4.8],
  [27, -34, -6, 3.8],
  [21, -38, 1, 2.6],
])
const uncalApex = -21 // mm: the hippocampus behind is posterior

const arteries = [
  new Tube([
    [13, 2, -48, 2.2],
    [11, 4, -24, 2],
    [10, 3, -17, 1.7],
    [30, 5, -13, 1.5],
    [41, -4, -4, 1.2],
    [43, -20, 6, 0.9],
  ]),
  new Tube([
    [10, 3, -17, 1.5],
    [2.5, 14, -14, 1.3],
    [2, 32, 2, 1.2],
    [2, 36, 24, 1],
    [2, 20, 40, 0.8],
  ]),
  new Tube([
    [0.5, -14, -50, 1.8],
    [0, -11, -22, 1.7],
    [10, -16, -16, 1.3],
    [19, -34, -12, 1.1],
    [14, -62, -4, 0.8],
  ]),
]

/** mm to the hippocampus. */
export function hippocampusDistance(subject: Subject, at: Float64Array): number {
  const [x = 0, y = 0, z = 0] = at
  return hippocampusTube.distance(Math.abs(x), y, z) + 4.5 * (1 - subject.hippocampus)
}

export function hippocampusPart(y: number): number {
  return y > uncalApex ? 1 : 2
}

/** `outside`: mm from the dura. */
export function paintBrain(subject: Subject, at: Float64Array, outside: number, brush: Brush): void {
  const [x = 0, y = 0, z = 0] = at
  const ax = Math.abs(x)
  brush.inside(outside, tissue.csf)
  const hull = cerebrum(x, y, z)
  const stem = z < 15 ? brainStem(x, y, z) : 99
  const small = z < 5 && y < -20 ? cerebellum(x, y, z) : 99
  if (stem < 4) paintStem(stem, brush)
  if (small < 4) paintCerebellum(subject, at, small, brush)
  if (hull < 4) {
    paintCortex(subject, at, hull, brush)
    if (ax < 50 && z < 40) paintDeep(subject, at, brush)
  }
  if (small < 9) brush.inside(distanceTo(fourth, x, y, z), tissue.csf)
  brush.inside(distanceTo(gland, x, y, z), tissue.gland)
  paintVessels(at, outside, brush)
  const edge = Math.min(hull, small, z > -66 ? stem : 99)
  brush.brain = Math.min(brush.cover(edge - 0.8), brush.cover(outside + 0.6))
}

function paintStem(stem: number, brush: Brush): void {
  brush.inside(stem, tissue.white)
  brush.over(0.4 * brush.cover(stem + 2), tissue.nucleus)
}

function paintCerebellum(subject: Subject, at: Float64Array, d: number, brush: Brush): void {
  const [x = 0, y = 0, z = 0] = at
  const wander = subject.folia.at(x, y, z)
  brush.inside(d, tissue.grey)
  // The leaves lie around the horizontal fissure like a fan.
  const angle = Math.atan2(z + 36, Math.hypot(x * 0.5, y + 44)) * 34
  const leaf = Math.cos((2 * Math.PI * (angle + 2.5 * wander)) / 6.5)
  const depth = -d
  brush.over(Math.max(0, leaf) ** 3 * 0.75 * brush.cover(depth - 8), tissue.csf)
  const branch = Math.max(0, -leaf) ** 2 * brush.cover(4 - depth)
  brush.over(Math.max(0.65 * branch, brush.cover(9 + 2.5 * wander - depth)), tissue.white)
  brush.over(0.5 * brush.cover(distanceTo(dentate, Math.abs(x), y, z)), tissue.nucleus)
}

/** mm from the nearest fluid: outside, in a sulcus, in the fissures. */
function cortexDepth(subject: Subject, at: Float64Array, hull: number): number {
  const [x = 0, y = 0, z = 0] = at
  const ax = Math.abs(x)
  const { folds, sulci } = subject
  const depth = -hull
  // Sulci run inwards along radii: directions count for more than depth does.
  const [u, v, w] = [x, y + 17, z - 8]
  const radius = Math.max(8, Math.sqrt(u * u + v * v + w * w))
  const push = (78 / radius) ** 0.75
  const sheet = Math.abs(folds.at(u * push + (x < 0 ? 19 : 0), v * push, w * push))
  const reach = 12 + 4 * subject.folia.at(x, y, z)
  const deep = -lobesHull(x, y, z)
  let d = smoothMin(depth, sheet - sulci + Math.max(0, 0.8 * (deep - reach)), 1.5)
  const callosum = Math.sqrt(((y + 8) / 45) ** 2 + ((z - 4) / 25) ** 2)
  d = smoothMin(d, ax - 0.5 - 0.4 * sulci + Math.max(0, (1 - callosum) * 60), 1.5)
  // The Sylvian fissure and the insula behind it.
  const sylvian = z - (-6 - 0.26 * (y - 10)) - 2.2 * Math.sin(0.12 * y)
  const along = Math.max(0, Math.abs(y + 4) - 29)
  d = Math.min(d, Math.abs(sylvian) - 0.8 - sulci + 1.2 * Math.max(0, 38 - ax) + along)
  const insula = Math.abs(ax - 40 - 0.03 * y) - 0.6 - 0.7 * sulci
  return Math.min(d, insula + Math.max(0, Math.abs(sylvian - 4) - 12) + Math.max(0, Math.abs(y) - 22))
}

function paintCortex(subject: Subject, at: Float64Array, hull: number, brush: Brush): void {
  const d = cortexDepth(subject, at, hull)
  const cover = brush.cover(hull)
  brush.over(Math.min(cover, brush.cover(-d)), tissue.grey)
  brush.over(Math.min(cover, brush.cover(subject.cortex - d)), tissue.white)
  const [x = 0, y = 0, z = 0] = at
  if (brush.white > 0.5 && z > -5) {
    // Bright spots are small, and more frequent near the ventricles.
    const near = Math.max(0, 1 - Math.hypot(Math.abs(x) - 20, 0.5 * (y + 10), z - 20) / 30)
    const value = 1.4 * subject.grain.at(1.6 * x, 1.6 * y, 1.6 * z) + 1.6 * near
    brush.over(Math.min(1, Math.max(0, 2.5 * (value - subject.spots))), tissue.spots)
  }
}

function paintDeep(subject: Subject, at: Float64Array, brush: Brush): void {
  const [x = 0, y = 0, z = 0] = at
  const ax = Math.abs(x)
  const wide = subject.ventricles
  brush.inside(distanceTo(putamen, ax, y, z), tissue.grey)
  brush.over(0.6 * brush.cover(distanceTo(pallidum, ax, y, z)), tissue.nucleus)
  brush.over(0.85 * brush.cover(distanceTo(thalamus, ax, y, z)), tissue.nucleus)
  brush.inside(caudate.distance(ax, y, z), tissue.grey)
  const body = bodies[0].distance(ax, y, z) + 4.4 * (1 - wide)
  const septum = 0.9 - ax
  const horn = bodies[1].distance(ax, y, z) + 2 * (1 - wide)
  brush.inside(Math.max(Math.min(body, horn), septum), tissue.csf)
  const third = ellipsoid(0, -14, 2, [1.7 * wide, 14, 10])
  brush.inside(distanceTo(third, x, y, z), tissue.csf)
  if (z < 12) {
    brush.inside(distanceTo(amygdala, ax, y, z), tissue.grey)
    brush.inside(hippocampusDistance(subject, at), tissue.grey)
  }
}

function paintVessels(at: Float64Array, outside: number, brush: Brush): void {
  const [x = 0, y = 0, z = 0] = at
  const ax = Math.abs(x)
  if (z < 45 && outside < 5) {
    for (const artery of arteries) brush.over(brush.cover(artery.distance(ax, y, z)), tissue.blood)
  }
  // The superior sagittal sinus, and the transverse ones.
  if (ax < 7 && (y < 60 || z > 50) && z > -4) {
    const sinus = Math.max(ax - 3.6 + Math.max(0, -outside - 2) * 0.7, Math.abs(outside + 1.5) - 3)
    brush.inside(sinus, tissue.blood)
  } else if (y < -55 && Math.abs(z + 12) < 9) {
    brush.inside(Math.max(Math.abs(z + 12) - 3, Math.abs(outside + 1) - 2.5), tissue.blood)
  }
}
