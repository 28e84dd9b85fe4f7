// One scan of a subject in NIfTI: render its contrasts on one grid, acquire each, write them with their masks.
import { join } from 'node:path'
import { writeNifti } from './files.js'
import { pick, Random } from '../random.js'
import { boxOf, type VolumeRecord } from './record.js'
import {
  acquire,
  drawTables,
  render,
  shade,
  type Acquisition,
  type Affine,
  type Clean,
  type Grid,
  type Scene,
} from './scan.js'
import type { Contrast } from './tissue.js'
import { tumourLabels } from './tumour.js'

export interface NiftiScan {
  readonly key: readonly (string | number)[]
  readonly out: string
  readonly scene: Scene
  readonly grid: Grid
  readonly pose: Affine
  readonly how: Acquisition
  readonly session: string
  /** Contrasts on this grid, and where each is written, below `out`. */
  readonly images: readonly { readonly contrast: Contrast; readonly path: string }[]
  readonly isStripped?: boolean
  /** Where masks go, below `out`; that of the hippocampus only where the archive's task has one. */
  readonly tumourMask: string
  readonly hippocampusMask?: string
}

export const isCore = (label: number): boolean => label !== 0 && label !== tumourLabels.oedema

export function writeNiftiScan(scan: NiftiScan): VolumeRecord[] {
  const { grid, key, out } = scan
  const contrasts = scan.images.map(({ contrast }) => contrast)
  const clean = render(scan.scene, grid, scan.pose, drawTables(contrasts, key))
  if (scan.isStripped === true) keepInBrain(clean)
  const truth = writeMasks(scan, clean)
  return scan.images.map(({ contrast, path }, at) => {
    const values = pick(clean.signals, at)
    shade(values, grid.shape, scan.how.bias, new Random(...key, contrast, 'shade'))
    const voxels = acquire(values, scan.how, new Random(...key, contrast, 'noise'))
    if (scan.isStripped === true) strip(voxels, clean.brain)
    writeNifti(join(out, path), grid, voxels)
    return { path, contrast, session: scan.session, ...truth }
  })
}

type Truth = Omit<VolumeRecord, 'path' | 'contrast' | 'session'>

function writeMasks(scan: NiftiScan, clean: Clean): Truth {
  const { grid, out } = scan
  const tumourBox = boxOf(clean.tumour, grid.shape, (label) => label !== 0)
  const isWritten = tumourBox !== null || scan.isStripped === true
  if (isWritten) writeNifti(join(out, scan.tumourMask), grid, clean.tumour)
  const hippocampusVisible = clean.hippocampus.some((label) => label !== 0)
  const mask = hippocampusVisible ? (scan.hippocampusMask ?? null) : null
  if (mask !== null) writeNifti(join(out, mask), grid, clean.hippocampus)
  return {
    tumourBox,
    coreBox: boxOf(clean.tumour, grid.shape, isCore),
    tumourMask: isWritten ? scan.tumourMask : null,
    hippocampusMask: mask,
    hippocampusVisible,
  }
}

const isBrain = (share: number): boolean => share > 0.5

function keepInBrain(clean: Clean): void {
  for (let at = 0; at < clean.brain.length; at += 1) {
    if (isBrain(clean.brain[at] ?? 0)) continue
    clean.tumour[at] = 0
    clean.hippocampus[at] = 0
  }
}

/** Outside exactly 0, inside never. */
function strip(voxels: Int16Array, brain: Float32Array): void {
  for (let at = 0; at < voxels.length; at += 1)
    voxels[at] = isBrain(brain[at] ?? 0) ? Math.max(1, voxels[at] ?? 0) : 0
}
