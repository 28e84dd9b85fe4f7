// The surfaces that bound a head: skin, dura, cerebrum, cerebellum, brain stem. Template's millimetres.
import { distanceTo, ellipsoid, smoothMax, smoothMin, Tube } from './shapes.js'

const vault = ellipsoid(0, -17, 12, [70, 89, 70])
const fossa = ellipsoid(0, -62, -36, [52, 35, 27])
const temporalFossa = ellipsoid(43, -14, -22, [24, 47, 23])
const sphenoid = ellipsoid(0, 26, -44, [34, 28, 25])
const orbit = ellipsoid(31, 54, -35, [21, 27, 17])
const petrous = new Tube([
  [20, -22, -48, 6],
  [56, -34, -46, 10],
])
const cord = new Tube([
  [0, -36, -52, 12],
  [0, -42, -75, 10],
  [0, -44, -160, 9],
])

const scalp = ellipsoid(0, -16, 10, [81, 101, 84])
const face = ellipsoid(0, 36, -50, [62, 55, 72])
const jaw = ellipsoid(0, 45, -90, [48, 45, 38])
const nose = new Tube([
  [0, 88, -34, 7],
  [0, 104, -56, 10],
])
const neck = new Tube([
  [0, -30, -60, 62],
  [0, -35, -190, 56],
])

/** `thicker`: mm of scalp beyond the leanest head's. */
export function skin(x: number, y: number, z: number, thicker: number): number {
  const ax = Math.abs(x)
  let d = smoothMin(distanceTo(scalp, x, y, z), distanceTo(face, x, y, z), 24)
  if (d > 60 && z > -60) return d
  d = smoothMin(d, distanceTo(jaw, ax, y, z), 20)
  d = smoothMin(d, neck.distance(x, y, z, 40), 22)
  return smoothMin(d, nose.distance(x, y, z, 30), 9) - thicker
}

export function dura(x: number, y: number, z: number): number {
  const ax = Math.abs(x)
  let d = smoothMin(distanceTo(vault, x, y, z), distanceTo(fossa, x, y, z), 8)
  d = smoothMin(d, distanceTo(temporalFossa, ax, y, z), 6)
  if (z < 5) {
    d = smoothMax(d, -distanceTo(sphenoid, x, y, z), 5)
    d = smoothMax(d, -distanceTo(orbit, ax, y, z), 5)
    d = smoothMax(d, -petrous.distance(ax, y, z), 3)
  }
  return z < -30 ? smoothMin(d, cord.distance(x, y, z, 12), 5) : d
}

const lobes = ellipsoid(0, -17, 13, [67, 86, 66])
const temporal = ellipsoid(43, -14, -22, [21, 44, 20])
const hemisphere = ellipsoid(22, -64, -37, [29, 28, 21])
const vermis = ellipsoid(0, -64, -34, [13, 23, 21])
const stem = new Tube([
  [0, -20, -8, 15],
  [0, -27, -30, 15],
  [0, -37, -54, 9],
  [0, -42, -76, 6.5],
  [0, -44, -160, 5.5],
])

/** The outer hull of the cerebrum, as if it had no folds, and were not cut off below. */
export function lobesHull(x: number, y: number, z: number): number {
  return smoothMin(distanceTo(lobes, x, y, z), distanceTo(temporal, Math.abs(x), y, z), 5)
}

/** The outer hull of the cerebrum, as if it had no folds. */
export function cerebrum(x: number, y: number, z: number): number {
  // Below is the skull's base in front, the tentorium behind.
  const front = Math.min(1, Math.max(0, y / 25))
  const back = Math.min(1, Math.max(0, (-50 - y) / 30))
  const floor = -15 - 8 * front - 4 * back - z
  const upper = smoothMax(distanceTo(lobes, x, y, z), floor, 8)
  return smoothMin(upper, distanceTo(temporal, Math.abs(x), y, z), 5)
}

export function cerebellum(x: number, y: number, z: number): number {
  return smoothMin(distanceTo(hemisphere, Math.abs(x), y, z), distanceTo(vermis, x, y, z), 4)
}

export function brainStem(x: number, y: number, z: number): number {
  return stem.distance(x, y, z, 20)
}
