// A cohort that never was: axial slices of invented heads, drawn from formulas. A subject has an anatomy (outline,
// folds of the cortex, ventricles, a lesion); each of its slices shows it in another pose, size, contrast and noise.
// So the slice that is nearest pixel by pixel is mostly another subject's in the same pose.
import { Random } from './random.js'

export interface Cohort {
  size: number
  /** [slices, size, size], roughly in [0, 1]. */
  pixels: Float32Array
  /** Which subject each slice shows. The training never reads it. */
  subjects: Int32Array
}

interface Anatomy {
  radiusX: number
  radiusY: number
  folds: { waves: number; amplitude: number; phase: number }[]
  ventricle: { length: number; width: number; tilt: number; gap: number }
  nuclei: { radius: number; distance: number }
  lesion: { x: number; y: number; radius: number }
}

/** How one slice was taken. */
interface Acquisition {
  scale: number
  angle: number
  shiftX: number
  shiftY: number
  tissue: { fluid: number; grey: number; white: number; bone: number; lesion: number }
  gamma: number
  fieldX: number
  fieldY: number
  noise: number
}

function drawAnatomy(random: Random): Anatomy {
  const angle = random.between(0, 2 * Math.PI)
  const distance = random.between(0.3, 0.5)
  return {
    radiusX: random.between(0.54, 0.76),
    radiusY: random.between(0.72, 0.88),
    folds: Array.from({ length: 6 }, (_, index) => ({
      waves: 3 + 2 * index + random.integer(2),
      amplitude: random.between(0, 0.07),
      phase: random.between(0, 2 * Math.PI),
    })),
    ventricle: {
      length: random.between(0.12, 0.42),
      width: random.between(0.03, 0.14),
      tilt: random.between(-0.2, 0.8),
      gap: random.between(0.05, 0.2),
    },
    nuclei: { radius: random.between(0.03, 0.14), distance: random.between(0.2, 0.36) },
    lesion: {
      x: distance * Math.cos(angle),
      y: distance * Math.sin(angle),
      radius: random.between(0.04, 0.18),
    },
  }
}

/** T1-like, each tissue a little off. */
function drawAcquisition(random: Random): Acquisition {
  const near = (value: number): number => value + random.between(-0.02, 0.02)
  return {
    scale: random.between(0.8, 1),
    angle: random.between(-0.35, 0.35),
    shiftX: random.between(-0.1, 0.1),
    shiftY: random.between(-0.1, 0.1),
    tissue: {
      fluid: near(0.15),
      grey: near(0.5),
      white: near(0.8),
      bone: near(0.9),
      lesion: near(0.3),
    },
    gamma: random.between(0.75, 1.35),
    fieldX: random.between(-0.15, 0.15),
    fieldY: random.between(-0.15, 0.15),
    noise: random.between(0.01, 0.04),
  }
}

/** Is (x, y) inside an ellipse about (cx, cy), turned by `angle`? */
function isInside(
  x: number,
  y: number,
  cx: number,
  cy: number,
  rx: number,
  ry: number,
  angle: number,
): boolean {
  const dx = x - cx
  const dy = y - cy
  const u = dx * Math.cos(angle) + dy * Math.sin(angle)
  const v = dy * Math.cos(angle) - dx * Math.sin(angle)
  return (u / rx) ** 2 + (v / ry) ** 2 < 1
}

/** Signal at (x, y) of the head, both in [-1, 1]. */
function signal(anatomy: Anatomy, tissue: Acquisition['tissue'], x: number, y: number): number {
  const { ventricle, nuclei, lesion } = anatomy
  const radius = Math.hypot(x / anatomy.radiusX, y / anatomy.radiusY)
  if (radius > 1.12) return 0
  if (radius > 1.05) return tissue.bone
  const angle = Math.atan2(y, x)
  let ripple = 0
  for (const { waves, amplitude, phase } of anatomy.folds)
    ripple += amplitude * Math.cos(waves * angle + phase)
  if (radius > 0.96 + ripple / 2 || (Math.abs(x) < 0.012 && radius > 0.5)) return tissue.fluid
  for (const side of [-1, 1]) {
    const tilt = side * ventricle.tilt
    if (isInside(x, y, side * ventricle.gap, 0, ventricle.width, ventricle.length, tilt)) return tissue.fluid
    const { radius: size, distance } = nuclei
    if (isInside(x, y, side * distance, 0.05, size, size * 1.5, tilt)) return tissue.grey
  }
  if (isInside(x, y, lesion.x, lesion.y, lesion.radius, lesion.radius, 0)) return tissue.lesion
  return radius > 0.78 + 2 * ripple ? tissue.grey : tissue.white
}

function drawSlice(
  anatomy: Anatomy,
  how: Acquisition,
  random: Random,
  size: number,
  out: Float32Array,
): void {
  const cos = Math.cos(how.angle) / how.scale
  const sin = Math.sin(how.angle) / how.scale
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const u = ((column + 0.5) / size) * 2 - 1 - how.shiftX
      const v = ((row + 0.5) / size) * 2 - 1 - how.shiftY
      const clean = signal(anatomy, how.tissue, u * cos + v * sin, v * cos - u * sin)
      const field = 1 + how.fieldX * u + how.fieldY * v
      out[row * size + column] = Math.max(0, clean * field) ** how.gamma + how.noise * random.normal()
    }
  }
}

/** Draws `subjects` heads with `slicesEach` slices of size x size pixels, in the order of the subjects. */
export function drawCohort(subjects: number, slicesEach: number, size: number, seed: number): Cohort {
  const random = new Random(seed)
  const slices = subjects * slicesEach
  const cohort = { size, pixels: new Float32Array(slices * size * size), subjects: new Int32Array(slices) }
  for (let subject = 0; subject < subjects; subject += 1) {
    const anatomy = drawAnatomy(random)
    for (let slice = subject * slicesEach; slice < (subject + 1) * slicesEach; slice += 1) {
      const at = slice * size * size
      drawSlice(anatomy, drawAcquisition(random), random, size, cohort.pixels.subarray(at, at + size * size))
      cohort.subjects[slice] = subject
    }
  }
  return cohort
}
