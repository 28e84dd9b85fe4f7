// The cohort: the same bytes every time, layouts that the adapters know, truth that agrees with the images.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { CentredFft2, makeComplex } from '../../lib/cohort/fft.js'
import { ProceduralHead } from '../../lib/cohort/procedural-head.js'
import type { VolumeRecord } from '../../lib/cohort/record.js'
import { drawSubject } from '../../lib/cohort/subject.js'
import { discover } from '../../lib/datasets/discover.js'
import { curate, readVolume, writeCohort, type CohortOptions } from '../../lib/index.js'
import { drawBall, writeNifti } from '../support/nifti.js'
import { rejection } from '../support/rejection.js'

const size = 32

interface Truth {
  readonly subjects: readonly {
    readonly dataset: string
    readonly id: string
    readonly tumour: string
    readonly sessions: readonly string[]
    readonly volumes: readonly VolumeRecord[]
  }[]
}

async function write(t: Test, options: Partial<CohortOptions> = {}): Promise<{ out: string; truth: Truth }> {
  const out = join(t.testdir(), 'cohort')
  await writeCohort({ out, size, subjects: 4, threads: 2, ...options })
  return { out, truth: JSON.parse(readFileSync(join(out, 'cohort.json'), 'utf8')) as Truth }
}

function digest(out: string): Record<string, string> {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(
    paths.map((path) => [
      path.slice(out.length),
      createHash('sha256').update(readFileSync(path)).digest('hex'),
    ]),
  )
}

/** Stored voxels of a .nii.gz of bytes or int16, and the shape. */
function stored(path: string): { shape: number[]; voxels: Uint8Array | Int16Array } {
  const bytes = gunzipSync(readFileSync(path))
  const shape = [0, 1, 2].map((axis) => bytes.readInt16LE(42 + 2 * axis))
  const body = Uint8Array.prototype.slice.call(bytes, 352)
  return { shape, voxels: bytes.readInt16LE(70) === 2 ? body : new Int16Array(body.buffer) }
}

function boundsOf(voxels: ArrayLike<number>, shape: readonly number[]): { low: number[]; high: number[] } {
  const [width = 0, height = 0] = shape
  const low = [Infinity, Infinity, Infinity]
  const high = [0, 0, 0]
  for (let at = 0; at < voxels.length; at += 1) {
    if (voxels[at] === 0) continue
    const place = [at % width, Math.floor(at / width) % height, Math.floor(at / (width * height))]
    for (const [axis, value] of place.entries()) {
      low[axis] = Math.min(low[axis] ?? 0, value)
      high[axis] = Math.max(high[axis] ?? 0, value + 1)
    }
  }
  return { low, high }
}

const bytesOf = (data: Float32Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)

void t.test('bytes depend on the seed alone, not on threads or on how many subjects there are', async (t) => {
  const first = await write(t)
  const again = join(first.out, '../again')
  await writeCohort({ out: again, size, subjects: 4, threads: 1 })
  t.same(digest(again), digest(first.out))
  const more = join(first.out, '../more')
  await writeCohort({ out: more, size, subjects: 6, datasets: ['brats21', 'ixi'] })
  const fewer = Object.entries(digest(first.out)).filter(([path]) => /\/(ixi|brats21)\//.test(path))
  t.ok(fewer.length > 5)
  const larger = digest(more)
  for (const [path, hash] of fewer) t.equal(larger[path], hash, path)
  const other = join(first.out, '../other')
  await writeCohort({ out: other, size, subjects: 1, datasets: ['brats21'], seed: 1 })
  const path = '/brats21/BraTS2021_00000/BraTS2021_00000_t1.nii.gz'
  t.not(digest(other)[path], larger[path])
})

void t.test('the adapters find every volume, and leave out masks, function and held-out scans', async (t) => {
  const { out, truth } = await write(t, { subjects: 20 })
  for (const dataset of ['ixi', 'oasis3', 'brats21', 'fastmri']) {
    const [found, ...rest] = await discover(join(out, dataset), {
      parts: ['train', 'val', ''],
      includeMra: true,
    })
    t.same(rest, [])
    t.equal(found?.dataset, dataset)
    const own = truth.subjects.filter((subject) => subject.dataset === dataset)
    const volumes = own.flatMap((subject) => subject.volumes)
    const words = ({
      path,
      contrast,
      session,
    }: {
      path: string
      contrast: string
      session: string
    }): string => [path.replace(`${dataset}/`, ''), contrast, session].join(' ')
    t.same(found?.volumes.map(words).sort(), volumes.map(words).sort())
    const subjects = new Set(found?.volumes.map(({ subject }) => subject))
    if (dataset !== 'fastmri') t.same([...subjects].sort(), own.map(({ id }) => id).sort())
  }
  const [oasis] = await discover(join(out, 'oasis3'))
  t.ok(oasis?.skipped.some(({ reason, path }) => reason === 'not-anatomical' && path.includes('/func/')))
  const [fastmri] = await discover(join(out, 'fastmri'))
  t.ok(fastmri?.skipped.some(({ reason }) => reason === 'held-out'))
  t.same(
    truth.subjects.filter(({ dataset }) => dataset === 'fastmri').map(({ tumour }) => tumour),
    ['none', 'glioma', 'meningioma', 'pituitary', 'none'],
  )
})

void t.test('masks agree with the boxes, and lie in the brain of BraTS', async (t) => {
  const { out, truth } = await write(t, { datasets: ['brats21', 'fastmri', 'oasis3'], subjects: 6, size: 48 })
  const volumes = truth.subjects.flatMap((subject) => subject.volumes)
  for (const { tumourMask, tumourBox } of volumes) {
    if (tumourMask === null || tumourBox === null) continue
    const { shape, voxels } = stored(join(out, tumourMask))
    t.same(boundsOf(voxels, shape), tumourBox, tumourMask)
  }
  const gliomas = truth.subjects.filter(({ dataset }) => dataset === 'brats21')
  const codes = new Set<number>()
  for (const { volumes } of gliomas) {
    const [first] = volumes
    const mask = stored(join(out, first?.tumourMask ?? '')).voxels
    for (const code of mask) codes.add(code)
    for (const { path } of volumes) {
      const { voxels } = stored(join(out, path))
      t.equal(voxels[0], 0, 'air is exactly 0')
      t.ok(mask.every((code, at) => code === 0 || voxels[at] !== 0))
    }
  }
  t.same([...codes].sort(), [0, 1, 2, 4])
  const hippocampus = volumes.find(({ hippocampusMask }) => hippocampusMask !== null)?.hippocampusMask ?? ''
  t.same([...new Set(stored(join(out, hippocampus)).voxels)].sort(), [0, 1, 2])
})

void t.test('the reconstruction is that of the k-space, its middle in the readout', async (t) => {
  const { out, truth } = await write(t, { datasets: ['fastmri'], subjects: 2 })
  for (const { volumes } of truth.subjects) {
    const path = join(out, volumes[0]?.path ?? '')
    const { shape, data } = await readVolume(path)
    const [width, height, slices] = shape
    const bytes = readFileSync(path)
    // Arrays come last: k-space, then the reconstruction.
    const images = bytes.length - 4 * data.length
    t.ok(bytes.subarray(images).equals(bytesOf(data)))
    const header = bytes.toString('latin1', 0, 16384)
    t.match(header, `<x>${2 * height}</x><y>${width}</y>`)
    const coils = Number(/<receiverChannels>(\d+)</.exec(header)?.[1])
    const points = 2 * height * width
    const kspace = new Float32Array(
      Uint8Array.from(bytes.subarray(images - 8 * slices * coils * points, images)).buffer,
    )
    const slice = 7
    const squares = new Float64Array(height * width)
    const fft = new CentredFft2(2 * height, width)
    for (let coil = 0; coil < coils; coil += 1) {
      const image = makeComplex(points)
      const start = 2 * (slice * coils + coil) * points
      for (let at = 0; at < points; at += 1) {
        image.re[at] = kspace[start + 2 * at] ?? 0
        image.im[at] = kspace[start + 2 * at + 1] ?? 0
      }
      fft.inverse(image)
      const first = (height / 2) * width
      for (let at = 0; at < squares.length; at += 1)
        squares[at] = (squares[at] ?? 0) + (image.re[first + at] ?? 0) ** 2 + (image.im[first + at] ?? 0) ** 2
    }
    const rss = Float32Array.from(squares, Math.sqrt)
    const given = data.subarray(slice * rss.length, (slice + 1) * rss.length)
    const worst = rss.reduce((most, value, at) => Math.max(most, Math.abs(value - (given[at] ?? 0))), 0)
    t.ok(worst <= 1e-6 * Math.max(...given), `${worst}`)
  }
})

void t.test('the transform is centred and orthonormal, for any length', (t) => {
  const [rows, columns] = [14, 15] // 2 x 7, 3 x 5
  const image = makeComplex(rows * columns)
  const [row, column] = [3, 11]
  image.re[row * columns + column] = 2
  new CentredFft2(rows, columns).forward(image)
  for (let k = 0; k < rows; k += 1) {
    for (let l = 0; l < columns; l += 1) {
      const turn = ((k - 7) * (row - 7)) / rows + ((l - 7) * (column - 7)) / columns
      const size = 2 / Math.sqrt(rows * columns)
      const at = k * columns + l
      t.ok(Math.abs((image.re[at] ?? 0) - size * Math.cos(2 * Math.PI * turn)) < 1e-12)
      t.ok(Math.abs((image.im[at] ?? 0) + size * Math.sin(2 * Math.PI * turn)) < 1e-12)
    }
  }
  t.end()
})

void t.test("sessions share a subject's anatomy; subjects differ; air has noise", async (t) => {
  const { out, truth } = await write(t, { datasets: ['oasis3'], subjects: 2 })
  const [, subject] = truth.subjects
  t.equal(subject?.sessions.length, 2)
  const t1 = subject?.volumes.filter(({ contrast }) => contrast === 't1') ?? []
  const [a, b] = await Promise.all(t1.map(({ path }) => readVolume(join(out, path))))
  if (a === undefined || b === undefined) return void t.fail('there are two volumes')
  t.notOk(bytesOf(a.data).equals(bytesOf(b.data)), 'pose and noise differ')
  t.ok(new Set(a.data.subarray(0, 200)).size > 10)

  const duraOf = (index: number, later: number): number[] => {
    const head = new ProceduralHead(drawSubject([0, 'oasis3', index], [45, 92], later))
    return [40, 60, 80].map((x) => head.cavity(x, -17, 20))
  }
  t.same(duraOf(1, 0), duraOf(1, 3))
  t.notSame(duraOf(1, 0), duraOf(2, 0))
  const [young, old] = [0, 3].map((later) => drawSubject([0, 'oasis3', 1], [45, 92], later))
  t.ok((old?.ventricles ?? 0) > (young?.ventricles ?? 0), 'ventricles widen with the years')
})

void t.test('brain.csv flips the boxes up and down', async (t) => {
  const { out, truth } = await write(t, { datasets: ['fastmri'], subjects: 3 })
  const [head, ...rows] = readFileSync(join(out, 'fastmri/brain.csv'), 'utf8').trim().split('\n')
  t.equal(head, 'file,slice,study_level,x,y,width,height,label')
  const volume = truth.subjects[2]?.volumes[0]
  const name = /(file_brain_AXT1POST_[^.]*)\.h5/.exec(volume?.path ?? '')?.[1] ?? ''
  const cells = rows.map((row) => row.split(',')).filter(([file]) => file === name)
  const masses = cells.filter(([, , , , , , , label]) => label === 'Extra-axial mass')
  const box = volume?.coreBox
  t.equal(masses.length, (box?.high[2] ?? 0) - (box?.low[2] ?? 0))
  const bottoms = masses.map(([, , , , y, , height]) => size - Number(y) - Number(height))
  const tops = masses.map(([, , , , y]) => size - Number(y))
  t.same([Math.min(...bottoms), Math.max(...tops)], [box?.low[1], box?.high[1]])
})

void t.test('curate() reads all of it', async (t) => {
  const { out, truth } = await write(t)
  const folder = join(out, '../curated')
  const roots = [join(out)]
  const parts = ['train', 'val', '']
  const known = truth.subjects.flatMap(({ volumes }) => volumes).filter(({ contrast }) => contrast !== 'mra')
  for await (const event of curate({ roots, out: folder, size: 32, parts })) {
    t.not(event.type, 'unreadable')
    if (event.type === 'done') t.equal(event.volumes, known.length)
  }
})

void t.test('a template is deformed; what is no head is refused', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'ball.nii.gz')
  writeNifti(path, [60, 60, 60], drawBall([60, 60, 60], 3))
  await writeCohort({ out: join(folder, 'out'), size: 32, subjects: 1, template: path })
  const [name = ''] = readdirSync(join(folder, 'out/ixi'))
  t.ok((await readVolume(join(folder, 'out/ixi', name))).data.some((value) => value > 300))
  writeNifti(join(folder, 'empty.nii'), [40, 40, 40], new Int16Array(64000))
  const asked = { out: join(folder, 'none'), template: join(folder, 'empty.nii') }
  const error = await rejection(t, writeCohort(asked), 'ERR_GYRUS_FILE_FORMAT')
  t.match(error.message, /empty\.nii/)
  t.notOk(existsSync(join(folder, 'none')), 'nothing was written')
})

void t.test('labels of slices are those of the masks', async (t) => {
  const out = join(t.testdir(), 'out')
  await writeCohort({ out, size: 48, subjects: 6, datasets: ['fastmri'], seed: 2 })
  const labels = new Map<string, Map<number, string>>()
  for (const line of readFileSync(join(out, 'labels.csv'), 'utf8').trim().split('\n').slice(1)) {
    const [dataset = '', path = '', index = '', label = ''] = line.split(',')
    t.equal(dataset, 'fastmri')
    const own = labels.get(path) ?? new Map<number, string>()
    labels.set(path, own.set(Number(index), label))
  }
  const truth = JSON.parse(readFileSync(join(out, 'cohort.json'), 'utf8')) as {
    subjects: {
      tumour: string
      volumes: { path: string; tumourBox: { low: number[]; high: number[] } | null }[]
    }[]
  }
  let seen = 0
  for (const { tumour, volumes } of truth.subjects) {
    for (const { path, tumourBox } of volumes) {
      const own = labels.get(path.slice('fastmri/'.length)) ?? new Map<number, string>()
      for (const [index, label] of own) {
        // fastMRI's slices are stored as they are counted.
        const isInside =
          tumourBox !== null && index >= (tumourBox.low[2] ?? 0) && index < (tumourBox.high[2] ?? 0)
        t.equal(label, isInside ? tumour : 'none', `${path}, slice ${index}`)
        if (isInside) seen += 1
      }
    }
  }
  t.ok(seen > 5, `${seen} slices show a tumour`)
})

void t.test('wrong options, foreign folders, cancelling', async (t) => {
  const folder = t.testdir()
  const out = join(folder, 'out')
  await rejection(t, writeCohort({ out, size: 31 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, writeCohort({ out, subjects: 0 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(
    t,
    writeCohort({ out, datasets: ['ixi', 'ixi'] }),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'TypeError',
  )
  await rejection(t, writeCohort({ out, template: join(folder, 'no.nii') }), 'ERR_GYRUS_FILE_NOT_FOUND')
  mkdirSync(join(folder, 'real/ixi'), { recursive: true })
  writeFileSync(join(folder, 'real/ixi/scan'), 'precious')
  await rejection(t, writeCohort({ out: join(folder, 'real'), overwrite: true }), 'ERR_GYRUS_FILE_IO')
  t.ok(existsSync(join(folder, 'real/ixi/scan')))
  const below = join(folder, 'real/ixi/scan/out')
  t.match((await rejection(t, writeCohort({ out: below }), 'ERR_GYRUS_FILE_IO')).message, 'scan')

  const controller = new AbortController()
  const onProgress = (): void => {
    controller.abort()
  }
  const running = writeCohort({ out, size: 32, subjects: 12 }, { signal: controller.signal, onProgress })
  await rejection(t, running, 'ERR_GYRUS_ABORTED')
  t.notOk(existsSync(join(out, 'cohort.json')))
  await rejection(t, writeCohort({ out, size: 32, subjects: 1 }), 'ERR_GYRUS_FILE_IO')
  await writeCohort({ out, size: 32, subjects: 1, overwrite: true })
  t.same(readdirSync(out).sort(), ['cohort.json', 'fastmri', 'ixi', 'labels.csv'])
})
