// The three archives in NIfTI: names, grids, scanners, and who has which scans.
import { drawTumour, tumourKinds, type TumourKind } from './tumour.js'
import { pick, Random } from '../random.js'
import type { SubjectJob, SubjectRecord, VolumeRecord } from './record.js'
import { drawPose, makeGrid, type Acquisition, type Grid, type Scene } from './scan.js'
import { writeNiftiScan, type NiftiScan } from './nifti-scan.js'
import { drawSubject, type Head, type Subject } from './subject.js'
import type { Contrast } from './tissue.js'

export type MakeHead = (subject: Subject) => Head

/** The random path of a subject. */
export function keyOf(job: SubjectJob): readonly (string | number)[] {
  return [job.seed, job.dataset, job.index]
}

const extent = (size: number, share: number): number => Math.max(8, Math.round(size * share))
const places = (value: number, digits: number): string => String(value).padStart(digits, '0')
const rounded = (age: number): number => Math.round(10 * age) / 10

/** Three hospitals, three scanners; their intensities and noise differ. */
const hospitals: readonly (readonly [string, Acquisition])[] = [
  ['Guys', { scale: 700, noise: 24, bias: 0.05 }],
  ['HH', { scale: 1100, noise: 15, bias: 0.11 }],
  ['IOP', { scale: 3300, noise: 30, bias: 0.06 }],
]

export function writeIxi(job: SubjectJob, makeHead: MakeHead): SubjectRecord {
  const { index, size, out } = job
  const key = keyOf(job)
  const random = new Random(...key, 'protocol')
  const [hospital, how] = pick(hospitals, random.integer(3))
  const id = `IXI${places(index + 1, 3)}`
  const subject = drawSubject(key, [20, 80])
  const scene: Scene = { head: makeHead(subject), tumour: undefined }
  const number = 800 + random.integer(1700)
  const path = (contrast: string): string => `ixi/${id}-${hospital}-${places(number, 4)}-${contrast}.nii.gz`
  const step = (0.9375 * 256) / size
  const pose = drawPose(random, 3, 3)
  // T1 is stored with its sagittal axis last, the others axially.
  const sagittal = makeGrid(
    'PSR',
    [size, size, extent(size, 150 / 256)],
    [step, step, (1.2 * 256) / size],
    [0, -6, -8],
  )
  const depth = extent(size, 130 / 256)
  const axial = makeGrid('LPS', [size, size, depth], [step, step, (1.25 * 130) / depth], [0, -6, 2])
  const common = { out, scene, pose, how, session: hospital, tumourMask: '' }
  const has = { T1: random.unit() > 0.06, T2: random.unit() > 0.12, PD: random.unit() > 0.12 }
  if (!has.T2 && !has.PD) has.T1 = true
  const second = (['T2', 'PD'] as const).filter((name) => has[name])
  const groups: { names: readonly string[]; grid: Grid }[] = [
    { names: has.T1 ? ['T1'] : [], grid: sagittal },
    { names: second, grid: axial },
    { names: index % 4 === 1 ? ['MRA'] : [], grid: axial },
  ]
  const volumes = groups
    .filter(({ names }) => names.length > 0)
    .flatMap(({ names, grid }) =>
      writeNiftiScan({
        ...common,
        grid,
        key: [...key, names.join('+')],
        images: names.map((name) => ({ contrast: name.toLowerCase() as Contrast, path: path(name) })),
      }),
    )
  return {
    dataset: 'ixi',
    id,
    age: rounded(subject.age),
    tumour: 'none',
    sessions: [hospital],
    volumes,
    boxes: [],
  }
}

export function writeOasis3(job: SubjectJob, makeHead: MakeHead): SubjectRecord {
  const { index } = job
  const key = keyOf(job)
  const random = new Random(...key, 'protocol')
  const id = `OAS3${places(index + 1, 4)}`
  const first = random.integer(900)
  const days = index % 3 === 1 ? [first, first + 400 + random.integer(1200)] : [first]
  // A few have a tumour that nobody looked for.
  const tumour: TumourKind = index % 6 === 5 ? (index % 12 === 5 ? 'meningioma' : 'pituitary') : 'none'
  const volumes = days.flatMap((day) => writeOasisSession(job, makeHead, tumour, [day, day - first]))
  const sessions = days.map((day) => `d${places(day, 4)}`)
  const { age } = drawSubject(key, [45, 92])
  return { dataset: 'oasis3', id, age: rounded(age), tumour, sessions, volumes, boxes: [] }
}

function writeOasisSession(
  job: SubjectJob,
  makeHead: MakeHead,
  kind: TumourKind,
  [day, after]: readonly [number, number],
): VolumeRecord[] {
  const { size, out } = job
  const key = keyOf(job)
  const session = `d${places(day, 4)}`
  const own = [...key, session]
  const random = new Random(...own, 'session')
  const head = makeHead(drawSubject(key, [45, 92], after / 365))
  const scene = { head, tumour: drawTumour(kind, key, head) }
  const stem = `sub-OAS3${places(job.index + 1, 4)}_ses-${session}`
  const folder = stem.replace('_', '/')
  const step = 256 / size
  const scale = random.between(500, 1500)
  const how = { scale, noise: random.between(14, 32), bias: random.between(0.04, 0.12) }
  const common = { out, scene, pose: drawPose(random, 3, 3), how, session }
  const width = extent(size, 176 / 256)
  const isotropic = makeGrid('RAS', [width, size, size], [step, step, step], [0, -12, -16])
  const thick = extent(size, 0.22)
  const axial = makeGrid('LPS', [size, size, thick], [0.9 * step, 0.9 * step, 165 / thick], [0, -14, 6])
  const coarse = extent(size, 0.25)
  const echoPlanar = makeGrid(
    'LPS',
    [coarse, coarse, coarse],
    [230 / coarse, 230 / coarse, 150 / coarse],
    [0, -14, 6],
  )
  const scan = (grid: Grid, contrast: Contrast, suffix: string, place = 'anat'): NiftiScan => ({
    ...common,
    grid,
    key: [...own, suffix],
    images: [{ contrast, path: `oasis3/${folder}/${place}/${stem}_${suffix}.nii.gz` }],
    tumourMask: `labels/oasis3/${stem}_${suffix}_tumour.nii.gz`,
    ...(suffix === 'T1w' ? { hippocampusMask: `labels/oasis3/${stem}_T1w_hippocampus.nii.gz` } : {}),
  })
  const volumes = [scan(isotropic, 't1', 'T1w')]
  if (random.unit() < 0.75) volumes.push(scan(isotropic, 't2', 'T2w'))
  if (random.unit() < 0.75) volumes.push(scan(axial, 'flair', 'FLAIR'))
  // Function: curation must leave it out, so it is no volume of the cohort.
  writeNiftiScan({ ...scan(echoPlanar, 't2', 'task-rest_bold', 'func'), scene: { head, tumour: undefined } })
  return volumes.flatMap(writeNiftiScan)
}

export function writeBrats21(job: SubjectJob, makeHead: MakeHead): SubjectRecord {
  const { index, size, out } = job
  const key = keyOf(job)
  const random = new Random(...key, 'protocol')
  const id = `BraTS2021_${places(index, 5)}`
  const subject = drawSubject(key, [30, 80])
  const head = makeHead(subject)
  const step = 240 / size
  const grid = makeGrid('LPS', [size, size, extent(size, 155 / 240)], [step, step, step], [0, -14, 8])
  const how = {
    scale: random.between(400, 2500),
    noise: random.between(10, 26),
    bias: random.between(0.02, 0.08),
  }
  const kinds = ['flair', 't1', 't1ce', 't2'] as const
  const volumes = writeNiftiScan({
    key: [...key, 'scan'],
    out,
    scene: { head, tumour: drawTumour('glioma', key, head) },
    grid,
    pose: drawPose(random, 1.5, 1.5), // registered to an atlas
    how,
    session: '',
    images: kinds.map((contrast) => ({ contrast, path: `brats21/${id}/${id}_${contrast}.nii.gz` })),
    isStripped: true,
    tumourMask: `brats21/${id}/${id}_seg.nii.gz`,
  })
  const age = rounded(subject.age)
  return { dataset: 'brats21', id, age, tumour: 'glioma', sessions: [''], volumes, boxes: [] }
}

/** Of a subject whose archive has all classes. */
export function classOf(index: number): TumourKind {
  return pick(tumourKinds, index % tumourKinds.length)
}
