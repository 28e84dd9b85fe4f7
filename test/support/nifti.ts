// Volumes for tests, written as NIfTI-1 by what the standard says: int16, canonical axes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { gzipSync } from 'node:zlib'

/** The bytes of a volume of 1 mm voxels; x runs to the right, y forwards, z upwards. */
export function niftiBytes(shape: readonly [number, number, number], voxels: Int16Array): Buffer {
  const header = Buffer.alloc(352)
  header.writeInt32LE(348, 0)
  for (const [axis, extent] of [3, ...shape, 1, 1, 1, 1].entries()) header.writeInt16LE(extent, 40 + 2 * axis)
  header.writeInt16LE(4, 70)
  header.writeInt16LE(16, 72)
  for (let axis = 0; axis < 4; axis += 1) header.writeFloatLE(1, 76 + 4 * axis)
  header.writeFloatLE(352, 108)
  header.writeInt16LE(1, 254)
  for (let row = 0; row < 3; row += 1) header.writeFloatLE(1, 280 + 16 * row + 4 * row)
  header.write('n+1\0', 344, 'latin1')
  return Buffer.concat([header, Buffer.from(voxels.buffer, voxels.byteOffset, voxels.byteLength)])
}

/** A ball of texture in noise: slices near its middle have the most entropy. */
export function drawBall(shape: readonly [number, number, number], seed: number): Int16Array {
  const [width, height, depth] = shape
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Int16Array.from({ length: width * height * depth }, (_, at) => {
    const x = (at % width) / width - 0.5
    const y = (Math.floor(at / width) % height) / height - 0.5
    const z = Math.floor(at / (width * height)) / depth - 0.5
    return Math.hypot(x, y, z) < 0.42 ? 300 + Math.floor(600 * random()) : 0
  })
}

export function writeNifti(path: string, shape: readonly [number, number, number], voxels: Int16Array): void {
  mkdirSync(dirname(path), { recursive: true })
  const bytes = niftiBytes(shape, voxels)
  writeFileSync(path, path.endsWith('.gz') ? gzipSync(bytes) : bytes)
}
