// What lies outside of the dura: scalp, skull with its marrow, eyes and their sockets, airways, muscle and fat.
import { dura, skin } from './hull.js'
import { distanceTo, ellipsoid, Tube } from './shapes.js'
import type { Subject } from './subject.js'
import { tissue, type Brush } from './tissue.js'

const eye = ellipsoid(32, 62, -32, [12.5, 12.5, 12.5])
const lens = ellipsoid(32, 72, -32, [5, 2.5, 5])
const socket = ellipsoid(30, 51, -33, [18, 25, 17])
const opticNerve = new Tube([
  [31, 50, -32, 2.5],
  [22, 30, -27, 2.4],
  [8, 14, -22, 2.2],
])
const eyeMuscle = new Tube([
  [43, 62, -32, 2],
  [36, 45, -31, 3],
  [22, 27, -28, 2],
])
const airways = [
  ellipsoid(8, 60, -50, [5, 28, 17]),
  ellipsoid(31, 52, -62, [12, 15, 14]),
  ellipsoid(11, 79, -10, [9, 6, 9]),
  ellipsoid(6, 24, -40, [8, 11, 8]),
]
const throat = new Tube([
  [0, 12, -62, 6],
  [0, 2, -90, 8],
  [0, -4, -170, 9],
])
const tongue = ellipsoid(0, 45, -92, [22, 28, 14])

/** Everything but the brain. Returns mm from the dura. */
export function paintSkullAndFace(subject: Subject, at: Float64Array, skinAt: number, brush: Brush): number {
  const [x = 0, y = 0, z = 0] = at
  const outside = dura(x, y, z)
  if (outside < -4) return outside
  const ax = Math.abs(x)
  paintFlesh(subject, at, skinAt, brush)
  paintBone(subject, outside, z, brush)
  if (y > -5 && z < 20) paintFaceInside(ax, y, z, brush)
  brush.inside(outside - 0.9, tissue.dura)
  return outside
}

export function skinDistance(subject: Subject, at: Float64Array): number {
  return skin(at[0] ?? 0, at[1] ?? 0, at[2] ?? 0, subject.scalp)
}

function paintFlesh(subject: Subject, at: Float64Array, skinAt: number, brush: Brush): void {
  const [x = 0, y = 0, z = 0] = at
  brush.inside(skinAt, tissue.skin)
  brush.inside(skinAt + 1.8, tissue.fat)
  const grain = subject.grain.at(x, y, z)
  // Under the scalp's fat there is muscle at the temples and in the neck; lower down both lie in strands.
  const depth = z > 0 ? 5 + subject.scalp : 6 + subject.scalp + 3 * grain
  brush.inside(skinAt + depth, tissue.muscle)
  if (z < -25) brush.over(brush.cover(skinAt + depth + 2) * strands(grain), tissue.fat)
}

function strands(grain: number): number {
  return Math.min(0.7, Math.max(0, 1.2 * (grain - 0.3)))
}

function paintBone(subject: Subject, outside: number, z: number, brush: Brush): void {
  if (outside > subject.skull + 6 || z < -135) return
  // Dense inside and outside, marrow between.
  brush.inside(outside - subject.skull, tissue.bone)
  const middle = Math.abs(outside - 0.5 * subject.skull - 0.4) - 0.22 * subject.skull
  brush.over(0.75 * brush.cover(middle), tissue.marrow)
}

function paintFaceInside(ax: number, y: number, z: number, brush: Brush): void {
  brush.inside(distanceTo(tongue, ax, y, z), tissue.muscle)
  if (z > -62) {
    brush.inside(distanceTo(socket, ax, y, z), tissue.fat)
    brush.inside(opticNerve.distance(ax, y, z), tissue.white)
    brush.inside(eyeMuscle.distance(ax, y, z), tissue.muscle)
    const ball = distanceTo(eye, ax, y, z)
    brush.inside(ball - 1, tissue.muscle)
    brush.inside(ball, tissue.csf)
    brush.inside(distanceTo(lens, ax, y, z), tissue.muscle)
  }
  for (const cave of airways) {
    const d = distanceTo(cave, ax, y, z)
    brush.inside(d - 1.5, tissue.skin)
    brush.inside(d, tissue.air)
  }
  brush.inside(throat.distance(ax, y, z), tissue.air)
}
