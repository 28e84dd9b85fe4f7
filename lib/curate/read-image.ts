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

/** Decodes an image file. Colours become their luminance. */
export async function readImage(path: string): Promise<GreyImage> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `cannot read ${path}: check that it exists and may be read`,
      {
        cause,
      },
    )
  })
  // Only runs over images pay for loading it.
  const { default: sharp } = await import('sharp')
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
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GyrusError('ERR_GYRUS_FILE_FORMAT', `${path} is no image that can be decoded: ${why}`, {
      cause,
    })
  }
}
