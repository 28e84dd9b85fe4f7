// The fastMRI brain archive: one to three scans of a patient, with and without tumours of three classes, and fastMRI+'s
// boxes around them.
import { join } from 'node:path'
import { classOf, keyOf, type MakeHead } from './archives.js'
import { writeFastmri } from './fastmri-file.js'
import { writeNifti } from './files.js'
import { isCore } from './nifti-scan.js'
import { pick, Random } from '../random.js'
import { boxOf, type Box, type SubjectJob, type SubjectRecord, type VolumeRecord } from './record.js'
import {
  compose,
  drawPose,
  drawTables,
  makeGrid,
  render,
  type Affine,
  type Clean,
  type Grid,
  type Scene,
} from './scan.js'
import { drawSubject } from './subject.js'
import type { Contrast } from './tissue.js'
import { drawTumour, tumourLabels, type TumourKind } from './tumour.js'

const acquisitions = [
  ['AXT1POST', 't1ce'],
  ['AXFLAIR', 'flair'],
  ['AXT2', 't2'],
  ['AXT1', 't1'],
] as const satisfies (readonly [string, Contrast])[]
const slices = 16
const spacing = 7.5 // mm, of which 5 are measured
const thickness = 5
const fieldOfView = 230 // mm

interface Patient {
  readonly job: SubjectJob
  readonly key: readonly (string | number)[]
  readonly scene: Scene
  readonly tumour: TumourKind
  readonly site: number
  readonly coils: number
  readonly isHeldOut: boolean
}

export function writeFastmriSubject(job: SubjectJob, makeHead: MakeHead): SubjectRecord {
  const key = keyOf(job)
  const random = new Random(...key, 'protocol')
  const subject = drawSubject(key, [22, 85])
  const head = makeHead(subject)
  const tumour = classOf(job.index)
  const scene = { head, tumour: drawTumour(tumour, key, head) }
  const patient: Patient = {
    job,
    key,
    scene,
    tumour,
    site: 200 + random.integer(11),
    coils: 4 + random.integer(5),
    isHeldOut: job.index % 5 === 4,
  }
  // Everyone has the scan after contrast medium, which tells the classes apart, and one or two others.
  const others = [1, 2, 3].filter(() => random.unit() < 0.5)
  if (others.length === 0) others.push(1 + random.integer(3))
  const volumes: VolumeRecord[] = []
  const boxes: string[] = []
  for (const which of [0, ...others.slice(0, 2)]) {
    const made = writeScan(patient, which)
    volumes.push(made.volume)
    boxes.push(...made.boxes)
  }
  const id = `${patient.site}_${fileNumber(job.index, 0)}`
  const age = Math.round(10 * subject.age) / 10
  return { dataset: 'fastmri', id, age, tumour, sessions: [''], volumes, boxes }
}

function fileNumber(index: number, which: number): string {
  return String(2000001 + 4 * index + which)
}

interface Field {
  readonly height: number
  readonly width: number
  readonly grid: Grid
  readonly pose: Affine
}

function drawScanField(patient: Patient, random: Random): Field {
  const height = patient.job.size
  // Some sites measure fewer lines over a narrower field.
  const width = patient.site % 4 === 3 ? 2 * Math.round(0.42 * height) : height
  const step = fieldOfView / height
  const grid = {
    ...makeGrid('RAS', [width, 2 * height, slices], [step, step, spacing], [0, -12, 14]),
    thickness,
  }
  return { height, width, grid, pose: drawPose(random, 3, 2.5) }
}

function writeScan(patient: Patient, which: number): { volume: VolumeRecord; boxes: string[] } {
  const { job, site, scene } = patient
  const [acquisition, contrast] = pick(acquisitions, which)
  const key = [...patient.key, acquisition]
  const random = new Random(...key, 'scan')
  const field = drawScanField(patient, random)
  const { height, width, grid, pose } = field
  const clean = render(scene, grid, pose, drawTables([contrast], key))
  const name = `file_brain_${acquisition}_${site}_${fileNumber(job.index, which)}`
  const path = `fastmri/${patient.isHeldOut ? 'multicoil_val' : 'multicoil_train'}/${name}.h5`
  const { affine } = grid
  writeFastmri({
    path: join(job.out, path),
    key,
    acquisition,
    patientId: patientId(patient.key),
    ...{ slices, height, width, coils: patient.coils },
    padding: site % 3 === 1 ? Math.floor(width / 16) : 0,
    slice: (at) => pick(clean.signals, 0).subarray(at * 2 * height * width, (at + 1) * 2 * height * width),
    plane: (at) => ({
      rows: 2 * height,
      columns: width,
      x: affine[3] ?? 0,
      y: affine[7] ?? 0,
      z: (affine[11] ?? 0) + at * spacing,
      stepX: affine[0] ?? 0,
      stepY: affine[5] ?? 0,
    }),
  })
  const labels = cropRows(clean, field)
  const shape = [width, height, slices] as const
  const tumourBox = boxOf(labels, shape, (label) => label !== 0)
  const mask = `labels/fastmri/${name}.nii.gz`
  if (tumourBox !== null) writeNifti(join(job.out, mask), cropGrid(field), labels)
  const volume = {
    ...{ path, contrast, session: '', tumourBox },
    coreBox: boxOf(labels, shape, isCore),
    tumourMask: tumourBox === null ? null : mask,
    hippocampusMask: null,
    hippocampusVisible: clean.hippocampus.some((label) => label !== 0),
  }
  // fastMRI+ has no boxes for T2.
  return { volume, boxes: contrast === 't2' ? [] : boxRows(name, labels, field, patient.tumour) }
}

/** The same for all of a patient's files, and only for them. */
function patientId(key: readonly (string | number)[]): string {
  const random = new Random(...key, 'name')
  return Array.from({ length: 8 }, () => random.bits().toString(16).padStart(8, '0')).join('')
}

/** The reconstruction is the middle half of the readout. */
function cropRows(clean: Clean, { height, width }: Field): Uint8Array {
  const labels = new Uint8Array(slices * height * width)
  const first = Math.floor(height / 2) * width
  for (let at = 0; at < slices; at += 1) {
    const start = at * 2 * height * width + first
    labels.set(clean.tumour.subarray(start, start + height * width), at * height * width)
  }
  return labels
}

function cropGrid({ grid, height, width }: Field): Grid {
  const shift = [1, 0, 0, 0, 0, 1, 0, Math.floor(height / 2), 0, 0, 1, 0]
  return { shape: [width, height, slices], affine: compose(grid.affine, shift) }
}

const boxLabels = { glioma: 'Mass', meningioma: 'Extra-axial mass', pituitary: 'Mass', none: '' } as const

/** One row per slice and finding. Their y counts from the top of the image turned upright: rows flipped up and down. */
function boxRows(name: string, labels: Uint8Array, { height, width }: Field, tumour: TumourKind): string[] {
  const rows: string[] = []
  for (let at = 0; at < slices; at += 1) {
    const slice = labels.subarray(at * height * width, (at + 1) * height * width)
    const find = (counts: (label: number) => boolean, label: string): void => {
      const box: Box | null = boxOf(slice, [width, height, 1], counts)
      if (box === null) return
      const [x, low] = box.low
      const [right, high] = box.high
      rows.push(`${name},${at},No,${x},${height - high},${right - x},${high - low},${label}`)
    }
    find(isCore, boxLabels[tumour])
    find((label) => label === tumourLabels.oedema, 'Edema')
  }
  return rows
}
