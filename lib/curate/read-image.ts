// PNG and JPEG to grey values of full depth; a 16-bit PNG stays 16 bits.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { GyrusError } from '../errors.js'

export interface GreyImage {
  readonly pixels: Float32Array
  readonly rows: number
  readonly columns: number
  /** Of the file's bytes. */
  readonly sha256: string
}

/** While an image is decoded: colours, grey values as they are stored, as numbers, and in the reader's order. */
const bytesOfPixel = 16

async function readFileOf(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    const message = `cannot read ${path}: check that it exists and may be read`
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', message, { cause })
  })
}

/** Only runs over images pay for loading it. */
async function loadSharp(): Promise<(typeof import('sharp'))['default']> {
  return (await import('sharp')).default
}

function noImage(path: string, cause: unknown): GyrusError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new GyrusError('ERR_GYRUS_FILE_FORMAT', `${path} is no image that can be decoded: ${why}`, { cause })
}

/** What reading an image would need, in bytes, and its shape as a volume, from the head of the file. */
export async function measureImage(
  path: string,
): Promise<{ readonly bytes: number; readonly shape: readonly [number, number, number] }> {
  const bytes = await readFileOf(path)
  const sharp = await loadSharp()
  try {
    const { width, height } = await sharp(bytes).metadata()
    return { bytes: bytes.length + width * height * bytesOfPixel, shape: [width, height, 1] }
  } catch (cause) {
    throw noImage(path, cause)
  }
}

/** Decodes an image file. Colours become their luminance. */
export async function readImage(path: string): Promise<GreyImage> {
  const bytes = await readFileOf(path)
  const sharp = await loadSharp()
  try {
    const image = sharp(bytes, { failOn: 'error' })
    const { depth } = await image.metadata()
    const isDeep = depth === 'ushort'
    const { data, info } = await image
      .removeAlpha()
      .toColourspace(isDeep ? 'grey16' : 'b-w')
      .extractChannel(0)
      .raw({ depth: isDeep ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const { buffer, byteOffset, byteLength } = data
    const values = isDeep
      ? new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength))
      : new Uint8Array(buffer, byteOffset, byteLength)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { pixels: Float32Array.from(values), rows: info.height, columns: info.width, sha256 }
  } catch (cause) {
    throw noImage(path, cause)
  }
}
