// openKspace on the small files of test/goldens/hdf5, whose numbers follow a formula, and on a cohort's files.
import { copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { CentredFft2, makeComplex } from '../../lib/cohort/fft.js'
import { memory, openKspace, readVolume, writeCohort, type Kspace } from '../../lib/index.js'
import { rejection } from '../support/rejection.js'

const goldens = fileURLToPath(new URL('../../../test/goldens/hdf5/', import.meta.url))
const golden = (name: string): string => join(goldens, `${name}.h5`)

/** The numbers that make_hdf5.py wrote, of each the real part first. */
function expected(first: number, count: number): number[] {
  const part = (i: number): number => ((i * 37 + 11) % 101) - 50
  return Array.from({ length: 2 * count }, (_, at) => {
    const i = first + (at >> 1)
    return part(at % 2 === 0 ? i : 2 * i + 1)
  })
}

void t.test('slices, and what the file says of them', async (t) => {
  await using kspace = await openKspace(golden('fastmri'))
  t.same(kspace.shape, [2, 3, 4, 6])
  t.same(kspace.attributes, { acquisition: 'AXT2', patientId: '0123abcd', max: 0.25, norm: 3.5 })
  t.equal(kspace.mask, undefined)
  t.same(kspace.header, {
    encoded: { matrix: [16, 12, 1] },
    recon: { matrix: [8, 8, 1] },
    limits: { center: 5, maximum: 9, paddingLeft: 1, paddingRight: 11 },
    trajectory: '',
    protocol: '',
    sequence: {
      type: '',
      repetitionTimes: [],
      echoTimes: [],
      inversionTimes: [],
      flipAngles: [],
      echoSpacings: [],
    },
    scanner: { vendor: '', model: '' },
  })
  const [second, first] = await Promise.all([kspace.read(1), kspace.read(0)])
  t.same([...first], expected(0, 72))
  t.same([...second], expected(72, 72))
  const out = new Float32Array(144)
  t.equal(await kspace.read(1, { out }), out)
  t.same(out, second)
})

void t.test('what is refused, and by which error', async (t) => {
  const none = await rejection(t, openKspace(golden('matlab')), 'ERR_GYRUS_NAME')
  t.match(none.message, /matlab\.h5: \/: has no "kspace": it holds "cjdata"/)
  const rank = await rejection(t, openKspace(golden('fastmri_wrong')), 'ERR_GYRUS_SHAPE')
  t.match(rank.message, /has the shape \[4, 6\], \[slices, coils, height, width\] or/)
  const mask = await rejection(t, openKspace(golden('fastmri_single')), 'ERR_GYRUS_SHAPE')
  t.match(mask.message, /mask of 5 numbers, 6 were expected/)
  const header = await rejection(t, openKspace(golden('fastmri_test')), 'ERR_GYRUS_FILE_FORMAT')
  t.match(header.message, /ismrmrd_header: the ISMRMRD header has no encoding/)
  await rejection(t, openKspace('/nowhere/file.h5'), 'ERR_GYRUS_FILE_NOT_FOUND')
  await rejection(t, openKspace(goldens), 'ERR_GYRUS_FILE_NOT_FOUND')
  await rejection(t, openKspace(7 as unknown as string), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')

  await using kspace = await openKspace(golden('fastmri'))
  for (const slice of [-1, 2, 0.5, NaN])
    await rejection(t, kspace.read(slice), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, kspace.read('0' as unknown as number), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  await rejection(t, kspace.read(0, { out: new Float32Array(143) }), 'ERR_GYRUS_SHAPE', 'RangeError')
  const [one, two, three] = [kspace.read(0), kspace.read(0), kspace.read(0)]
  await rejection(t, three, 'ERR_GYRUS_BUSY')
  t.same(await one, await two)
})

void t.test('cancelled, disposed, changed while it is open', async (t) => {
  const reason = new Error('enough')
  const cancelled = AbortSignal.abort(reason)
  t.equal(
    (await rejection(t, openKspace(golden('fastmri'), { signal: cancelled }), 'ERR_GYRUS_ABORTED')).cause,
    reason,
  )
  const path = join(t.testdir(), 'scan.h5')
  copyFileSync(golden('fastmri'), path)
  const kspace = await openKspace(path)
  await rejection(t, kspace.read(0, { signal: cancelled }), 'ERR_GYRUS_ABORTED')
  t.equal((await kspace.read(0)).length, 144, 'and goes on')
  truncateSync(path, 2100)
  const cut = await rejection(t, kspace.read(0), 'ERR_GYRUS_FILE_IO')
  t.match(cut.message, /another program changed it/)
  await Promise.all([kspace.dispose(), kspace.dispose()])
  await rejection(t, kspace.read(0), 'ERR_GYRUS_DISPOSED')
  t.equal(memory().hostBytes, 0)
})

void t.test('cut or damaged anywhere, a file is read or refused by a typed error', async (t) => {
  const path = join(t.testdir(), 'scan.h5')
  const whole = readFileSync(golden('fastmri'))
  const read = async (bytes: Buffer): Promise<string> => {
    writeFileSync(path, bytes)
    try {
      await using kspace = await openKspace(path)
      await kspace.read(kspace.shape[0] - 1)
      return 'read'
    } catch (error) {
      return String((error as { code?: string }).code)
    }
  }
  for (let size = 0; size < whole.length; size += 131)
    t.equal(await read(whole.subarray(0, size)), 'ERR_GYRUS_FILE_FORMAT', `cut to ${size}`)
  const outcomes = new Set<string>()
  for (let at = 0; at < whole.length; at += 31) {
    const damaged = Buffer.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 0xff
    outcomes.add(await read(damaged))
  }
  const known = [
    'read',
    'ERR_GYRUS_FILE_FORMAT',
    'ERR_GYRUS_NAME',
    'ERR_GYRUS_DTYPE',
    'ERR_GYRUS_SHAPE',
    'ERR_GYRUS_OUT_OF_MEMORY',
  ]
  t.same(
    [...outcomes].filter((outcome) => !known.includes(outcome)),
    [],
  )
})

/** The root of the coils' summed squares, of one slice, its middle rows. */
function reconstruct(slice: Float32Array, [, coils, rows, columns]: Kspace['shape']): Float64Array {
  const fft = new CentredFft2(rows, columns)
  const each = rows * columns
  const sums = new Float64Array(each)
  for (let coil = 0; coil < coils; coil += 1) {
    const image = makeComplex(each)
    for (let at = 0; at < each; at += 1) {
      image.re[at] = slice[2 * (coil * each + at)] ?? 0
      image.im[at] = slice[2 * (coil * each + at) + 1] ?? 0
    }
    fft.inverse(image)
    for (let at = 0; at < each; at += 1)
      sums[at] = (sums[at] ?? 0) + (image.re[at] ?? 0) ** 2 + (image.im[at] ?? 0) ** 2
  }
  const first = (rows / 4) * columns
  return sums.slice(first, first + each / 2).map(Math.sqrt)
}

void t.test("a cohort's images are those of its k-space, and its header fits", async (t) => {
  const out = join(t.testdir(), 'cohort')
  await writeCohort({ out, subjects: 1, size: 32, datasets: ['fastmri'] })
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.h5'))
  t.ok(files.length > 0)
  for (const name of files) {
    await using kspace = await openKspace(join(out, name))
    const [slices, coils, rows, columns] = kspace.shape
    const { data, shape } = await readVolume(join(out, name))
    t.same(shape, [columns, rows / 2, slices])
    let worst = 0
    for (let slice = 0; slice < slices; slice += 1) {
      const image = reconstruct(await kspace.read(slice), kspace.shape)
      for (const [at, value] of image.entries())
        worst = Math.max(worst, Math.abs(value - (data[slice * image.length + at] ?? NaN)))
    }
    t.ok(worst < 1e-5 * (kspace.attributes.max ?? 0), `${name}: off by ${worst}`)
    t.match(name, new RegExp(`_${kspace.attributes.acquisition}_`))
    t.equal(kspace.header?.protocol, kspace.attributes.acquisition)
    t.same(kspace.header?.encoded.matrix, [rows, columns, 1])
    t.same(kspace.header?.recon.matrix, [rows / 2, columns, 1])
    t.equal(kspace.header?.scanner.channels, coils)
    t.equal(kspace.header?.encoded.fieldOfView?.[0], 2 * 230)
    const { paddingLeft = -1, paddingRight = -1 } = kspace.header?.limits ?? {}
    t.equal(paddingLeft + paddingRight, columns)
  }
})
