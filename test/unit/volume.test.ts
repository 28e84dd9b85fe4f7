// readVolume against nibabel's closest-canonical order, and what it says of files that lie.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { imageEntropies, memory, readVolume, type ErrorCode } from '../../lib/index.js'
import { rejection } from '../support/rejection.js'

interface Expected {
  file: string
  frame: number
  shape: number[]
  affine: number[]
  data: number[]
}

const goldens = fileURLToPath(new URL('../../../test/goldens/nifti/', import.meta.url))
const index = JSON.parse(readFileSync(join(goldens, 'index.json'), 'utf8')) as Expected[]

void t.test('values, shapes and affines are those of nibabel', async (t) => {
  t.equal(index.length, 50)
  for (const { file, frame, shape, affine, data } of index) {
    const volume = await readVolume(join(goldens, file), { frame })
    t.same(volume.shape, shape, file)
    t.same([...volume.data], data, file)
    const off = Math.max(...volume.affine.map((value, at) => Math.abs(value - (affine[at] ?? NaN))))
    t.ok(off < 1e-4, `${file}: affine off by ${off}`)
  }
  t.equal(memory().hostBytes, 0, 'all memory was given back')
})

/** A NIfTI-1 header with fields changed; int16 voxels of 2 x 2 x 2 follow. */
function file(change: (header: Buffer) => void): Buffer {
  const header = Buffer.alloc(352)
  header.writeInt32LE(348, 0)
  for (const [axis, extent] of [3, 2, 2, 2, 1, 1, 1, 1].entries()) header.writeInt16LE(extent, 40 + 2 * axis)
  header.writeInt16LE(4, 70)
  header.writeInt16LE(16, 72)
  for (let axis = 0; axis < 4; axis += 1) header.writeFloatLE(1, 76 + 4 * axis)
  header.writeFloatLE(352, 108)
  header.write('n+1\0', 344, 'latin1')
  change(header)
  return Buffer.concat([header, Buffer.from(Int16Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer)])
}

const lies: readonly [string, RegExp, ErrorCode, (header: Buffer) => void][] = [
  [
    '18 GB',
    /truncated|damaged/,
    'ERR_GYRUS_FILE_FORMAT',
    (h) => {
      ;[1, 2, 3].forEach((a) => h.writeInt16LE(2100, 40 + 2 * a))
    },
  ],
  ['dim[0] = 200', /dim\[0\] = 200/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeInt16LE(200, 40)],
  ['dim[0] = 0', /dim\[0\] = 0/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeInt16LE(0, 40)],
  ['a zero extent', /dim\[2\] = 0/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeInt16LE(0, 44)],
  ['a negative extent', /dim\[1\] = -5/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeInt16LE(-5, 42)],
  ['offset NaN', /vox_offset = nan/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeFloatLE(NaN, 108)],
  ['offset infinite', /vox_offset = inf/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeFloatLE(Infinity, 108)],
  ['offset in the header', /vox_offset = 100/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeFloatLE(100, 108)],
  [
    'intercept NaN',
    /scl_inter/,
    'ERR_GYRUS_FILE_FORMAT',
    (h) => (h.writeFloatLE(2, 112), h.writeFloatLE(NaN, 116)),
  ],
  ['colour', /colour/, 'ERR_GYRUS_DTYPE', (h) => h.writeInt16LE(128, 70)],
  ['an unknown type', /datatype 77/, 'ERR_GYRUS_DTYPE', (h) => h.writeInt16LE(77, 70)],
  ['no magic', /magic/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeInt32LE(0, 344)],
  ['sform NaN', /affine/, 'ERR_GYRUS_FILE_FORMAT', (h) => (h.writeInt16LE(1, 254), h.writeFloatLE(NaN, 280))],
  ['sform zero', /affine/, 'ERR_GYRUS_FILE_FORMAT', (h) => h.writeInt16LE(1, 254)],
  [
    'qform too long',
    /quaternion/,
    'ERR_GYRUS_FILE_FORMAT',
    (h) => (h.writeInt16LE(1, 252), h.writeFloatLE(3, 256)),
  ],
]

void t.test('lying headers are refused by name, packed or not', async (t) => {
  const folder = t.testdir()
  const good = join(folder, 'good.nii')
  writeFileSync(
    good,
    file(() => undefined),
  )
  t.same([...(await readVolume(good)).data], [2, 1, 4, 3, 6, 5, 8, 7], 'x runs left without a place in space')
  for (const [name, words, code, change] of lies) {
    for (const [suffix, bytes] of [
      ['.nii', file(change)],
      ['.nii.gz', gzipSync(file(change))],
    ] as const) {
      const path = join(folder, `bad${suffix}`)
      writeFileSync(path, bytes)
      const error = await rejection(t, readVolume(path), code)
      t.match(error.message, words, `${name}${suffix}`)
      t.match(error.message, path, `${name}${suffix} is named`)
    }
  }
  t.equal(memory().hostBytes, 0)
})

void t.test('damaged and odd gzip files', async (t) => {
  const folder = t.testdir()
  const whole = file(() => undefined)
  const packed = gzipSync(whole)
  const path = join(folder, 'x.nii.gz')
  const read = async (bytes: Buffer) => {
    writeFileSync(path, bytes)
    return readVolume(path)
  }
  for (let length = 0; length < packed.length; length += 3) {
    const error = await rejection(t, read(packed.subarray(0, length)), 'ERR_GYRUS_FILE_FORMAT')
    t.match(error.message, path, `cut to ${length} of ${packed.length}`)
  }
  const wrong = Buffer.from(packed)
  wrong[packed.length - 6] = (wrong[packed.length - 6] ?? 0) ^ 1
  await rejection(t, read(wrong), 'ERR_GYRUS_FILE_FORMAT')

  const members = Buffer.concat([gzipSync(whole.subarray(0, 100)), gzipSync(whole.subarray(100))])
  t.equal((await read(members)).data.length, 8, 'several members')
  t.equal((await read(Buffer.concat([packed, Buffer.alloc(500)]))).data.length, 8, 'padding behind the end')
  const some = gzipSync(Buffer.concat([whole, Buffer.alloc(20e6)]))
  t.equal((await read(some)).data.length, 8, 'a little behind the voxels is only checked')
  await rejection(t, readVolume(path, { frame: 1 }), 'ERR_GYRUS_INVALID_ARGUMENT')
  const bomb = gzipSync(Buffer.concat([whole, Buffer.alloc(200e6)]))
  t.match((await rejection(t, read(bomb), 'ERR_GYRUS_FILE_FORMAT')).message, /more than twice the 368 bytes/)
  t.ok(memory().peakHostBytes < 100e6, 'no room is made for it')
  await rejection(t, readVolume(join(folder, 'none.nii')), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('entropies', async (t) => {
  const flat = new Uint8Array(256)
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  const two = Uint8Array.from({ length: 256 }, (_, i) => (i % 4 === 0 ? 9 : 200))
  const three = Uint8Array.from([...flat, ...all, ...two])
  const found = await imageEntropies(three, 3)
  t.equal(found[0], 0)
  t.equal(found[1], 8)
  t.ok(Math.abs((found[2] ?? 0) - 0.8112781244591328) < 1e-12, 'a quarter against three')
  await rejection(t, imageEntropies(three, 5), 'ERR_GYRUS_SHAPE', 'RangeError')
})
