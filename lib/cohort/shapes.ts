// Signed distances of simple bodies in mm: negative inside. An ellipsoid's is the usual first-order estimate, good near
// the surface. Smooth minimum: the polynomial one, whose seam is `width` mm wide.

export interface Ellipsoid {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly rx: number
  readonly ry: number
  readonly rz: number
}

export function ellipsoid(x: number, y: number, z: number, radii: readonly number[]): Ellipsoid {
  const [rx = 1, ry = rx, rz = rx] = radii
  return { x, y, z, rx, ry, rz }
}

export function distanceTo(body: Ellipsoid, x: number, y: number, z: number): number {
  const u = (x - body.x) / body.rx
  const v = (y - body.y) / body.ry
  const w = (z - body.z) / body.rz
  const k = Math.sqrt(u * u + v * v + w * w)
  if (k < 1e-6) return -Math.min(body.rx, body.ry, body.rz)
  const s = u / body.rx
  const t = v / body.ry
  const r = w / body.rz
  return (k * (k - 1)) / Math.sqrt(s * s + t * t + r * r)
}

/** A tube along points [x, y, z, radius], the radius changing evenly from one to the next. */
export class Tube {
  readonly #nodes: Float64Array
  readonly #middle: readonly [number, number, number]
  readonly #reach: number

  constructor(nodes: readonly (readonly [number, number, number, number])[]) {
    this.#nodes = Float64Array.from(nodes.flat())
    const mean = (axis: number): number =>
      nodes.reduce((sum, node) => sum + (node[axis] ?? 0), 0) / nodes.length
    const middle = [mean(0), mean(1), mean(2)] as const
    this.#middle = middle
    this.#reach = Math.max(
      ...nodes.map(([x, y, z, r]) => Math.hypot(x - middle[0], y - middle[1], z - middle[2]) + r),
    )
  }

  /** Beyond `near` mm a lower bound only. */
  distance(x: number, y: number, z: number, near = 6): number {
    const [mx, my, mz] = this.#middle
    const far = Math.sqrt((x - mx) ** 2 + (y - my) ** 2 + (z - mz) ** 2) - this.#reach
    if (far > near) return far
    let least = Infinity
    for (let at = 0; at + 4 < this.#nodes.length; at += 4) least = Math.min(least, this.#link(at, x, y, z))
    return least
  }

  #link(at: number, x: number, y: number, z: number): number {
    const nodes = this.#nodes
    const ax = nodes[at] ?? 0
    const ay = nodes[at + 1] ?? 0
    const az = nodes[at + 2] ?? 0
    const ar = nodes[at + 3] ?? 0
    const bx = (nodes[at + 4] ?? 0) - ax
    const by = (nodes[at + 5] ?? 0) - ay
    const bz = (nodes[at + 6] ?? 0) - az
    const br = (nodes[at + 7] ?? 0) - ar
    const along = ((x - ax) * bx + (y - ay) * by + (z - az) * bz) / (bx * bx + by * by + bz * bz)
    const t = Math.min(1, Math.max(0, along))
    const u = x - ax - t * bx
    const v = y - ay - t * by
    const w = z - az - t * bz
    return Math.sqrt(u * u + v * v + w * w) - ar - t * br
  }
}

export function smoothMin(a: number, b: number, width: number): number {
  const h = Math.max(width - Math.abs(a - b), 0) / width
  return Math.min(a, b) - (h * h * width) / 4
}

export function smoothMax(a: number, b: number, width: number): number {
  return -smoothMin(-a, -b, width)
}
