// Real volumes, where this machine has some: Colin27 of Debian's mricron-data, MNI152 of nilearn, what nibabel tests
// itself with. Values, entropies, shards and manifest as nibabel, numpy and pyarrow see them.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { curate, readVolume } from '../../lib/index.js'
import { headerBytes } from '../../lib/slices/shard-writer.js'
import { manifest } from '../support/curation.js'
import { findPython } from '../support/python.js'

const colin = ['ch2.nii.gz', 'ch2bet.nii.gz', 'aal.nii.gz'].map(
  (name) => `/usr/share/mricron/templates/${name}`,
)

const listPackaged = `
import glob, importlib.util, json, os
def below(module, *parts):
    spec = importlib.util.find_spec(module)
    return os.path.join(os.path.dirname(spec.origin), *parts) if spec else ''
names = ['anatomical.nii', 'functional.nii', 'example4d.nii.gz', 'example_nifti2.nii.gz']
found = sorted(glob.glob(below('nilearn', 'datasets', 'data', '*.nii.gz')))
found += [below('nibabel', 'tests', 'data', name) for name in names]
print(json.dumps([path for path in found if os.path.exists(path)]))
`

const canonical = `
import json, sys
import nibabel, numpy
path, out = json.load(sys.stdin)
image = nibabel.as_closest_canonical(nibabel.load(path))
data = image.dataobj[..., 0] if len(image.shape) > 3 else image.dataobj[...]
numpy.asarray(data, dtype='<f8').astype('<f4').ravel(order='F').tofile(out)
print(json.dumps({'shape': image.shape[:3], 'affine': image.affine.ravel().tolist()}))
`

/** Entropy by its definition, of grey levels of a volume that is scaled between percentiles of what is not zero. */
const entropies = `
import json, sys
import nibabel, numpy
data = numpy.asarray(nibabel.as_closest_canonical(nibabel.load(json.load(sys.stdin))).dataobj[...], dtype='f8')
low, high = numpy.percentile(data[data != 0], [0.5, 99.5])
grey = numpy.clip((data - low) / (high - low) * 255, 0, 255).astype('u1')
bits = []
for z in range(data.shape[2]):
    share = numpy.bincount(grey[:, :, z].ravel(), minlength=256) / grey[:, :, z].size
    share = share[share > 0]
    bits.append(float(-(share * numpy.log2(share)).sum()))
print(json.dumps({'low': low, 'high': high, 'bits': bits}))
`

const readBack = `
import json, sys
import numpy, pyarrow.parquet
folder = json.load(sys.stdin)
table = pyarrow.parquet.read_table(folder + '/manifest.parquet').to_pylist()
sums = []
for row in table:
    if row['kept']:
        shard = numpy.load(folder + '/' + row['shard'], mmap_mode='r')
        sums.append([str(shard.dtype), list(shard.shape[1:]), int(shard[row['row']].sum(dtype='u8'))])
print(json.dumps({'rows': len(table), 'columns': sorted(table[0]), 'sums': sums}))
`

/** Real volumes that are there. */
function realVolumes(): string[] {
  const packaged = ['nilearn', 'nibabel'].flatMap((module) => {
    const python = findPython(module)
    return typeof python === 'string' ? [] : (JSON.parse(python(listPackaged)) as string[])
  })
  return [...new Set([...colin.filter((path) => existsSync(path)), ...packaged])]
}

function skip(t: Test, why: string): void {
  t.pass(why, { skip: why })
}

void t.test("values and affines are nibabel's", async (t) => {
  const python = findPython('nibabel', 'numpy')
  const paths = realVolumes()
  if (typeof python === 'string') {
    skip(t, python)
    return
  }
  if (paths.length === 0) {
    skip(t, 'no mricron-data, nilearn or test data of nibabel')
    return
  }
  const raw = join(t.testdir(), 'values')
  for (const path of paths) {
    const expected = JSON.parse(python(canonical, [path, raw])) as { shape: number[]; affine: number[] }
    const volume = await readVolume(path)
    t.same(volume.shape, expected.shape, path)
    const off = Math.max(...volume.affine.map((value, at) => Math.abs(value - (expected.affine[at] ?? NaN))))
    t.ok(off < 1e-4, `${path}: affine off by ${off}`)
    const bytes = readFileSync(raw)
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    t.equal(volume.data.length, values.length)
    t.equal(
      volume.data.findIndex((value, at) => !Object.is(value, values[at]) && value !== values[at]),
      -1,
      `${path}: every value`,
    )
  }
})

void t.test('a curated brain: windows and entropies are those of numpy', async (t) => {
  const python = findPython('nibabel', 'numpy')
  if (typeof python === 'string') {
    skip(t, python)
    return
  }
  const brain = realVolumes().find((path) => /ch2\.nii|_t1_/.test(path))
  if (brain === undefined) {
    skip(t, 'no mricron-data and no nilearn')
    return
  }
  const out = join(t.testdir(), 'out')
  const contrasts = { roots: [join(brain, '..')], out, size: 64 }
  for await (const event of curate(contrasts)) t.ok(event.type)
  const rows = (await manifest(out)).filter((row) => brain.endsWith(String(row['source_path'])))
  const expected = JSON.parse(python(entropies, brain)) as { low: number; high: number; bits: number[] }
  t.equal(rows.length, expected.bits.length)
  t.ok(rows.some((row) => row['kept']))
  for (const row of rows) {
    const index = Number(row['index'])
    const off = Math.abs(Number(row['entropy']) - (expected.bits[index] ?? NaN))
    t.ok(off < 1e-6, `slice ${index}: ${String(row['entropy'])} against ${expected.bits[index]}`)
  }
  t.ok(Math.abs(Number(rows[0]?.['scale_lo']) - expected.low) < 1e-6 * Math.abs(expected.high))
  t.ok(Math.abs(Number(rows[0]?.['scale_hi']) - expected.high) < 1e-6 * Math.abs(expected.high))

  const other = findPython('numpy', 'pyarrow')
  if (typeof other === 'string') {
    skip(t, other)
    return
  }
  const seen = JSON.parse(other(readBack, out)) as { rows: number; columns: string[]; sums: unknown[][] }
  const all = await manifest(out)
  t.equal(seen.rows, all.length)
  t.same(seen.columns, Object.keys(all[0] ?? {}).sort())
  const sums = all
    .filter((row) => row['kept'])
    .map(({ shard, row }) => {
      const bytes = readFileSync(join(out, String(shard)))
      let sum = 0
      for (let at = 0; at < 4096; at += 1)
        sum += bytes.readUInt16LE(headerBytes + 2 * (4096 * Number(row) + at))
      return ['uint16', [64, 64], sum]
    })
  t.same(seen.sums, sums)
})
