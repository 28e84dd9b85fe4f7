// Labelled images made by hand: a folder for each class, whose pictures differ by a pattern that anybody can see.
import { mkdir, writeFile } from 'node:fs/promises'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import type { FinetuneConfig } from '../../lib/index.js'
import { Random } from '../../lib/random.js'

export const classNames = ['glioma', 'meningioma', 'notumor'] as const

/** Grey values of a picture: bars that lie, bars that stand, or one bright disc; with a phase and noise of its own. */
export function pattern(label: number, size: number, ...words: readonly (string | number)[]): Uint8Array {
  const random = new Random('pattern', label, ...words)
  const phase = random.between(0, 6)
  const [cx, cy] = [random.between(0.4, 0.6) * size, random.between(0.4, 0.6) * size]
  return Uint8Array.from({ length: size * size }, (_, at) => {
    const [x, y] = [at % size, Math.floor(at / size)]
    const bars = 0.5 + 0.5 * Math.sin(((label === 0 ? y : x) * 25) / size + phase)
    const disc = Math.hypot(x - cx, y - cy) < size / 4 ? 1 : 0
    return Math.round(40 + 150 * (label === 2 ? disc : bars) + random.between(0, 60))
  })
}

export async function writeGrey(
  path: string,
  pixels: Uint8Array,
  width: number,
  height = pixels.length / width,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const image = sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w')
  await writeFile(path, await (path.endsWith('.png') ? image.png() : image.jpeg({ quality: 95 })).toBuffer())
}

export interface ClassFolder {
  /** Of a class, by the part's name ('' for a folder without parts). */
  readonly counts: Readonly<Record<string, number>>
  readonly size?: number
  readonly classes?: readonly string[]
  /** How many images carry the pattern of the next class: nobody can learn these. */
  readonly wrong?: number
}

/** Writes Training/glioma/0.png and so on. */
export async function writeClassFolder(root: string, options: ClassFolder): Promise<string> {
  const { counts, size = 40, classes = classNames, wrong = 0 } = options
  for (const [part, count] of Object.entries(counts)) {
    for (const [label, name] of classes.entries()) {
      for (let at = 0; at < count; at += 1) {
        const seen = at < wrong ? (label + 1) % classes.length : label
        await writeGrey(join(root, part, name, `${at}.png`), pattern(seen, size, part, at), size)
      }
    }
  }
  return root
}

export interface MatFile {
  readonly label: 1 | 2 | 3
  /** Six characters. */
  readonly patient: string
}

/** A .mat file of Cheng's set, from the golden one: its label (3) and its patient (MR0402) are replaced. */
export function writeMat(path: string, { label, patient }: MatFile): void {
  const golden = new URL('../../../test/goldens/hdf5/figshare.h5', import.meta.url) // from dist/test/support/
  const bytes = readFileSync(golden)
  const at = bytes.indexOf(Buffer.from('MR0402', 'utf16le')) // the label lies before the patient
  if (at < 0 || bytes.readDoubleLE(at - 8) !== 3 || patient.length !== 6)
    throw new Error('the golden file is another one')
  bytes.writeDoubleLE(label, at - 8)
  bytes.write(patient, at, 'utf16le')
  writeFileSync(path, bytes)
}

/** Settings with which a ResNet-18 learns these patterns in seconds. */
export const quick = {
  arch: 'resnet18',
  imageSize: 32,
  sliceSize: 40,
  batchSize: 10,
  epochs: 6,
  lr: 1e-3,
  view: { crop: [0.5, 1], flip: 0.5 },
  duplicates: { action: 'ignore' },
  device: 'cpu',
  precision: 'f32',
  threads: 1,
  replicates: 200,
} as const satisfies Partial<FinetuneConfig>

export async function consume<Event>(run: AsyncGenerator<Event>): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of run) events.push(event)
  return events
}

/** A report's text and markup: base64 may spell anything. */
export function withoutPictures(html: string): string {
  return html.replace(/base64,[^"]*/g, '')
}
