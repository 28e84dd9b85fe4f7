// openKspace against h5py, on files that h5py writes: of one coil and of many, in every layout and type that is read,
// and on those that are refused.
import { truncateSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { memory, openKspace, type ErrorCode } from '../../lib/index.js'
import { findPython } from '../support/python.js'
import { rejection } from '../support/rejection.js'

/** Writes a file a case, and beside it what h5py reads back of its k-space, as complex64. */
const write = `
import json, os, sys
import h5py, numpy as np
folder = json.load(sys.stdin)
random = np.random.default_rng(5)
def numbers(*shape):
    return (random.normal(size=shape) + 1j * random.normal(size=shape)).astype('c8')
packed = dict(compression='gzip', shuffle=True)
multi, single = numbers(6, 5, 33, 17), numbers(7, 24, 19)
cases = {
    'contiguous': (multi, {}),
    'single': (single, {}),
    'one_coil': (numbers(3, 1, 8, 9), {}),
    'gzip': (multi, dict(chunks=(1, 5, 33, 17), **packed)),
    'across': (multi, dict(chunks=(4, 2, 10, 17), fletcher32=True, **packed)),
    'single_gzip': (single, dict(chunks=(2, 24, 7), **packed)),
    'guessed': (multi, dict(chunks=True, compression='gzip', compression_opts=9)),
    'one_chunk': (multi, dict(chunks=multi.shape, **packed)),
    'unpacked_chunks': (multi, dict(chunks=(2, 3, 11, 5))),
    'double': (multi.astype('c16'), {}),
    'big_endian': (multi.astype('>c8'), dict(chunks=(1, 1, 33, 17), **packed)),
    'not_finite': (np.where(np.abs(single) > 2, np.nan + 0j, single), {}),
    'matlab': (single.view([('real', 'f4'), ('imag', 'f4')]), dict(chunks=(1, 24, 19), **packed)),
    'swapped': (single.view([('i', 'f4'), ('r', 'f4')]), {}),
    'offsets': (np.zeros((2, 4, 6), {'names': ['r', 'i'], 'formats': ['f4', 'f4'], 'offsets': [4, 0]}), {}),
    'other_names': (single.view([('a', 'f4'), ('b', 'f4')]), {}),
    'three': (np.zeros((2, 4, 6), [('r', 'f4'), ('i', 'f4'), ('j', 'f4')]), {}),
    'unlike': (np.zeros((2, 4, 6), [('r', 'f4'), ('i', 'f8')]), {}),
    'real': (single.real.copy(), {}),
    'text': (np.full((2, 3, 4), b'abc'), {}),
    'rank_2': (single[0], {}),
    'rank_5': (multi[None], {}),
    'empty': (multi[:0], {}),
    'no_coil': (multi[:, :0], {}),
    'lzf': (multi, dict(chunks=(1, 5, 33, 17), compression='lzf')),
}
for version in 'earliest', 'latest':
    for name, (data, how) in cases.items():
        path = os.path.join(folder, f'{version}-{name}')
        with h5py.File(path + '.h5', 'w', libver=version) as file:
            file.create_dataset('kspace', data=data, **how)
            file['mask'] = random.random(data.shape[-1]) < 0.3
            file.attrs['acquisition'], file.attrs['max'] = 'AXFLAIR', np.float32(0.5)
        with h5py.File(path + '.h5') as file:
            stored = file['kspace'][()]
            if stored.dtype.names == ('real', 'imag'):
                stored = stored.view('c8')
            if stored.dtype.kind == 'c':
                stored.astype('<c8').tofile(path + '.raw')
            file['mask'][()].astype('f4').tofile(path + '.mask')
    with h5py.File(os.path.join(folder, f'{version}-partial.h5'), 'w', libver=version) as file:
        file.create_dataset('kspace', (4, 2, 8, 8), 'c8', chunks=(1, 2, 8, 8))[1] = 1
    with h5py.File(os.path.join(folder, f'{version}-missing.h5'), 'w', libver=version) as file:
        file['reconstruction_rss'] = np.ones((2, 4, 4), 'f4')
    with h5py.File(os.path.join(folder, f'{version}-group.h5'), 'w', libver=version) as file:
        file.create_group('kspace')['x'] = 1
    with h5py.File(os.path.join(folder, f'{version}-link.h5'), 'w', libver=version) as file:
        file['kspace'] = h5py.ExternalLink('other.h5', '/kspace')
print(json.dumps([name for name, (data, _) in cases.items()]))
`

const read = `
import json, sys
import numpy as np
path, kind = json.load(sys.stdin)
print(json.dumps(np.fromfile(path, kind).view('u4').tolist()))
`

const shapes: Readonly<Record<string, readonly number[]>> = {
  contiguous: [6, 5, 33, 17],
  single: [7, 1, 24, 19],
  one_coil: [3, 1, 8, 9],
  gzip: [6, 5, 33, 17],
  across: [6, 5, 33, 17],
  single_gzip: [7, 1, 24, 19],
  guessed: [6, 5, 33, 17],
  one_chunk: [6, 5, 33, 17],
  unpacked_chunks: [6, 5, 33, 17],
  double: [6, 5, 33, 17],
  big_endian: [6, 5, 33, 17],
  not_finite: [7, 1, 24, 19],
  matlab: [7, 1, 24, 19],
}

const refusals: readonly (readonly [string, ErrorCode, RegExp])[] = [
  ['swapped', 'ERR_GYRUS_DTYPE', /a compound of 2 members, "i" and "r", complex numbers were expected/],
  ['offsets', 'ERR_GYRUS_DTYPE', /a compound of 2 members/],
  ['other_names', 'ERR_GYRUS_DTYPE', /"a" and "b"/],
  ['three', 'ERR_GYRUS_DTYPE', /a compound of 3 members/],
  ['unlike', 'ERR_GYRUS_DTYPE', /a compound of 2 members/],
  ['real', 'ERR_GYRUS_DTYPE', /holds f32, complex numbers were expected/],
  ['text', 'ERR_GYRUS_DTYPE', /text of 3 bytes, complex/],
  ['rank_2', 'ERR_GYRUS_SHAPE', /has the shape \[24, 19\]/],
  ['rank_5', 'ERR_GYRUS_SHAPE', /has the shape \[1, 6, 5, 33, 17\]/],
  ['empty', 'ERR_GYRUS_SHAPE', /no number in it/],
  ['no_coil', 'ERR_GYRUS_SHAPE', /no number in it/],
  ['lzf', 'ERR_GYRUS_FILE_FORMAT', /filter/],
  ['partial', 'ERR_GYRUS_FILE_FORMAT', /never written/],
  ['missing', 'ERR_GYRUS_NAME', /has no "kspace": it holds "reconstruction_rss"/],
  ['group', 'ERR_GYRUS_NAME', /is a group/],
  ['link', 'ERR_GYRUS_FILE_FORMAT', /out of the file/],
]

const python = findPython('h5py', 'numpy')

void t.test(
  'k-space equals h5py, to the bit',
  typeof python === 'string' ? { skip: python } : {},
  async (t) => {
    if (typeof python === 'string') return
    const folder = t.testdir()
    python(write, folder)
    const bits = (path: string): number[] => JSON.parse(python(read, [join(folder, path), 'f4'])) as number[]
    for (const version of ['earliest', 'latest']) {
      for (const [name, shape] of Object.entries(shapes))
        await same(t, folder, `${version}-${name}`, shape, bits)
      for (const [name, code, words] of refusals) {
        const path = join(folder, `${version}-${name}.h5`)
        const error = await rejection(t, openKspace(path), code)
        t.match(error.message, words, `${version} ${name}`)
        t.ok(error.message.includes(path), 'the file is named')
      }
    }
    await cut(t, join(folder, 'earliest-contiguous.h5'))
    t.equal(memory().hostBytes, 0)
  },
)

async function same(
  t: Test,
  folder: string,
  name: string,
  shape: readonly number[],
  bits: (path: string) => number[],
): Promise<void> {
  await using kspace = await openKspace(join(folder, `${name}.h5`))
  t.same(kspace.shape, shape, name)
  t.equal(kspace.attributes.acquisition, 'AXFLAIR')
  t.equal(kspace.attributes.max, 0.5)
  t.equal(kspace.header, undefined)
  t.same(
    [...new Uint32Array(kspace.mask?.buffer ?? new ArrayBuffer(0))],
    bits(`${name}.mask`),
    `${name}: mask`,
  )
  const found: number[] = []
  for (let slice = 0; slice < kspace.shape[0]; slice += 1) {
    const values = await kspace.read(slice)
    found.push(...new Uint32Array(values.buffer, values.byteOffset, values.length))
  }
  const expected = bits(`${name}.raw`)
  t.ok(
    found.every((value, at) => value === expected[at]) && found.length === expected.length,
    `${name}: numbers`,
  )
}

/** A file that ends early is refused when it is opened, wherever it was cut. */
async function cut(t: Test, path: string): Promise<void> {
  for (let size = statSync(path).size - 1; size > 0; size -= 4001) {
    truncateSync(path, size)
    const error = await rejection(t, openKspace(path), 'ERR_GYRUS_FILE_FORMAT')
    t.ok(error.message.includes(path), `cut to ${size}`)
  }
}
