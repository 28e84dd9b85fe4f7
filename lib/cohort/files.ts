// Writing files: folders made as needed, failures told with the path and what to do.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { writeError } from '../write-file.js'
import type { Affine, Grid } from './scan.js'

/** Runs what writes to a path; a failure becomes ERR_GYRUS_FILE_IO. */
export function writing<Result>(path: string, write: () => Result): Result {
  try {
    return write()
  } catch (cause) {
    throw writeError(path, cause)
  }
}

export function writeWhole(path: string, bytes: Uint8Array | string): void {
  writing(path, () => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  })
}

/** A NIfTI-1 header (science: the fields of nifti1.h), little-endian, with an sform. */
function niftiHeader(shape: Grid['shape'], affine: Affine, isBytes: boolean): Buffer {
  const header = Buffer.alloc(352)
  header.writeInt32LE(348, 0)
  for (const [axis, extent] of [3, ...shape, 1, 1, 1, 1].entries()) header.writeInt16LE(extent, 40 + 2 * axis)
  header.writeInt16LE(isBytes ? 2 : 4, 70)
  header.writeInt16LE(isBytes ? 8 : 16, 72)
  const sides = [0, 1, 2].map((axis) =>
    Math.hypot(affine[axis] ?? 0, affine[4 + axis] ?? 0, affine[8 + axis] ?? 0),
  )
  for (const [axis, side] of [1, ...sides].entries()) header.writeFloatLE(side, 76 + 4 * axis)
  header.writeFloatLE(352, 108)
  header.writeFloatLE(1, 112) // scl_slope
  header.writeInt8(2, 123) // millimetres
  header.write('gyrus cohort: simulated', 148, 'latin1')
  header.writeInt16LE(1, 254) // sform: scanner's coordinates
  for (const [at, value] of affine.entries()) header.writeFloatLE(value, 280 + 4 * at)
  header.write('n+1\0', 344, 'latin1')
  return header
}

export function writeNifti(path: string, grid: Grid, voxels: Int16Array | Uint8Array): void {
  const header = niftiHeader(grid.shape, grid.affine, voxels instanceof Uint8Array)
  const body = Buffer.from(voxels.buffer, voxels.byteOffset, voxels.byteLength)
  writeWhole(path, gzipSync(Buffer.concat([header, body]), { level: 3 }))
}
