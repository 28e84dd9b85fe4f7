// One file of the fastMRI brain archive: k-space of every coil, its root-sum-of-squares reconstruction, the header.
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { addNoise, drawCoils, see, type Coil, type Plane } from './coils.js'
import { CentredFft2, makeComplex, type Complex } from './fft.js'
import { writing } from './files.js'
import { hdf5Start, type Hdf5Content, type Hdf5Start } from './hdf5-writer.js'
import { Random } from '../random.js'

export interface FastmriScan {
  readonly path: string
  readonly key: readonly (string | number)[]
  readonly acquisition: string
  readonly patientId: string
  readonly slices: number
  /** Of the reconstruction; the readout is sampled twice as densely. */
  readonly height: number
  readonly width: number
  /** Lines at either side of k-space that were not measured: zero. */
  readonly padding: number
  readonly coils: number
  /** Signal of one slice, [2 height, width], thousandths of full scale. */
  readonly slice: (at: number) => Float32Array
  readonly plane: (at: number) => Plane
}

const perThousandth = 4e-7 // fastMRI's images reach some 1e-4
const noise = 9 // thousandths, of one coil

export function writeFastmri(scan: FastmriScan): void {
  const { path } = scan
  const blank = hdf5Start(contentOf(scan, 0, 0))
  const file = writing(path, () => {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(path, 'w')
  })
  try {
    writing(path, () => {
      ftruncateSync(file, blank.fileBytes)
    })
    const images = writeSlices(scan, file, blank)
    let max = 0
    let squares = 0
    for (const value of images) {
      max = Math.max(max, value)
      squares += value * value
    }
    writing(path, () => {
      writeAll(file, images, blank.offsets.get('reconstruction_rss') ?? 0)
      writeAll(file, hdf5Start(contentOf(scan, max, Math.sqrt(squares))).bytes, 0)
    })
  } finally {
    closeSync(file)
  }
}

function writeAll(file: number, data: ArrayBufferView, position: number): void {
  let done = 0
  while (done < data.byteLength) {
    const rest = new Uint8Array(data.buffer, data.byteOffset + done, data.byteLength - done)
    done += writeSync(file, rest, 0, rest.length, position + done)
  }
}

/** Writes the k-space slice by slice and returns the reconstruction of all. */
function writeSlices(scan: FastmriScan, file: number, start: Hdf5Start): Float32Array {
  const { slices, height, width, key } = scan
  const coils = drawCoils(new Random(...key, 'coils'), scan.coils)
  const fft = new CentredFft2(2 * height, width)
  const images = new Float32Array(slices * height * width)
  const kspace = new Float32Array(scan.coils * 4 * height * width)
  const offset = start.offsets.get('kspace') ?? 0
  for (let at = 0; at < slices; at += 1) {
    const out = images.subarray(at * height * width, (at + 1) * height * width)
    const random = new Random(...key, 'noise', at)
    const measure = { scan, fft, signal: scan.slice(at), plane: scan.plane(at), random }
    for (const [c, coil] of coils.entries()) {
      const part = kspace.subarray(c * 4 * height * width, (c + 1) * 4 * height * width)
      measureCoil(measure, coil, part, out)
    }
    for (let i = 0; i < out.length; i += 1) out[i] = Math.sqrt(out[i] ?? 0)
    writing(scan.path, () => {
      writeAll(file, kspace, offset + at * kspace.byteLength)
    })
  }
  return images
}

interface Measurement {
  readonly scan: FastmriScan
  readonly fft: CentredFft2
  readonly signal: Float32Array
  readonly plane: Plane
  readonly random: Random
}

/** One coil's k-space as it is stored, and the squares of its image added to `squares`. */
function measureCoil(measure: Measurement, coil: Coil, stored: Float32Array, squares: Float32Array): void {
  const { scan, fft } = measure
  const { width, padding } = scan
  const image = makeComplex(measure.signal.length)
  see(coil, measure.plane, measure.signal, image)
  addNoise(image, noise, measure.random)
  fft.forward(image)
  for (let at = 0; at < image.re.length; at += 1) {
    const column = at % width
    const factor = column < padding || column >= width - padding ? 0 : perThousandth
    stored[2 * at] = (image.re[at] ?? 0) * factor
    stored[2 * at + 1] = (image.im[at] ?? 0) * factor
  }
  // The reconstruction is that of what the file holds: rounded to float32, with zeros for the lines not measured.
  for (let at = 0; at < image.re.length; at += 1) {
    image.re[at] = stored[2 * at] ?? 0
    image.im[at] = stored[2 * at + 1] ?? 0
  }
  fft.inverse(image)
  addSquares(image, scan, squares)
}

function addSquares(image: Complex, { height, width }: FastmriScan, squares: Float32Array): void {
  const first = Math.floor((2 * height - height) / 2) * width
  for (let at = 0; at < height * width; at += 1) {
    const re = image.re[first + at] ?? 0
    const im = image.im[first + at] ?? 0
    squares[at] = (squares[at] ?? 0) + re * re + im * im
  }
}

function contentOf(scan: FastmriScan, max: number, norm: number): Hdf5Content {
  const { slices, height, width, coils, acquisition } = scan
  return {
    arrays: [
      { name: 'kspace', type: 'complex64', shape: [slices, coils, 2 * height, width] },
      { name: 'reconstruction_rss', type: 'float32', shape: [slices, height, width] },
    ],
    texts: { ismrmrd_header: ismrmrdHeader(scan) },
    attributes: { acquisition, max, norm, patient_id: scan.patientId },
  }
}

function ismrmrdHeader(scan: FastmriScan): string {
  const { height, width, slices, padding, coils } = scan
  const lines = width - 2 * padding
  const centre = Math.floor(width / 2) - padding
  const space = (name: string, x: number): string =>
    `<${name}><matrixSize><x>${x}</x><y>${width}</y><z>1</z></matrixSize>` +
    `<fieldOfView_mm><x>${(x / height) * 230}</x><y>${(width / height) * 230}</y><z>7.5</z></fieldOfView_mm></${name}>`
  return `<?xml version="1.0" encoding="utf-8"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
  <studyInformation><studyTime>00:00:00</studyTime></studyInformation>
  <measurementInformation><protocolName>${scan.acquisition}</protocolName></measurementInformation>
  <acquisitionSystemInformation>
    <systemVendor>simulated</systemVendor>
    <systemFieldStrength_T>${scan.coils > 5 ? 2.8936 : 1.494}</systemFieldStrength_T>
    <receiverChannels>${coils}</receiverChannels>
  </acquisitionSystemInformation>
  <experimentalConditions><H1resonanceFrequency_Hz>${scan.coils > 5 ? 123200000 : 63600000}</H1resonanceFrequency_Hz>
  </experimentalConditions>
  <encoding>
    ${space('encodedSpace', 2 * height)}
    ${space('reconSpace', height)}
    <encodingLimits>
      <kspace_encoding_step_1>
        <minimum>0</minimum><maximum>${lines - 1}</maximum><center>${centre}</center>
      </kspace_encoding_step_1>
      <slice><minimum>0</minimum><maximum>${slices - 1}</maximum><center>0</center></slice>
    </encodingLimits>
    <trajectory>cartesian</trajectory>
  </encoding>
</ismrmrdHeader>
`
}
