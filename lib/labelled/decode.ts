// An image file as a square of 16-bit grey values. Colours become their luma (Rec. 601, as PIL converts to grey); the
// shorter side is resized and the middle cut out, or what `fit` says. Transparency is dropped, and neither an EXIF
// orientation nor a colour profile followed, as in the paper's script, whose ImageFolder opens files so.
import { readFile } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { GyrusError, isGyrusError } from '../errors.js'
import { readFigshare } from './figshare.js'

export type Fit = 'crop' | 'pad' | 'stretch'

const fits = { crop: 'cover', pad: 'contain', stretch: 'fill' } as const
const luma = [0.299, 0.587, 0.114] as const
const deepest = 65535
/** What JPEG and PNG files begin with: other formats are not even opened, under whatever name. */
const signatures = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
] as const

/** [size, size]. Throws ERR_GYRUS_FILE_NOT_FOUND, FILE_FORMAT, and what a .mat file's reader throws. */
export async function decodeImage(path: string, size: number, fit: Fit): Promise<Uint16Array> {
  try {
    return /\.mat$/i.test(path) ? await decodeMat(path, size, fit) : await decodePicture(path, size, fit)
  } catch (cause) {
    if (isGyrusError(cause)) throw cause
    const lines = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    const why = [...new Set(lines)].filter((line) => line !== '').join('; ') // decoders repeat themselves
    throw new GyrusError('ERR_GYRUS_FILE_FORMAT', `${path} is no image that can be decoded: ${why}`, {
      cause,
    })
  }
}

async function decodePicture(path: string, size: number, fit: Fit): Promise<Uint16Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `cannot read ${path}: check that it may be read`, {
      cause,
    })
  })
  if (bytes.length === 0) throw new Error('the file is empty')
  if (!signatures.some((own) => own.every((byte, at) => bytes[at] === byte)))
    throw new Error('it is neither JPEG nor PNG, whatever its name says')
  const { default: sharp } = await import('sharp')
  const reading = { failOn: 'error', ignoreIcc: true } as const
  const image = sharp(bytes, reading)
  const { depth, space } = await image.metadata()
  if (space === 'cmyk') {
    const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk')
    const { data, info } = await inks.raw().toBuffer({ resolveWithObject: true })
    const rgb = sharp(fromInks(data), { raw: { width: info.width, height: info.height, channels: 3 } })
    return toGrey((await resized(rgb, size, fit, 'uchar')).data, 3, deepest / 255)
  }
  const isDeep = depth === 'ushort'
  const upright = image.removeAlpha().toColourspace(isDeep ? 'rgb16' : 'srgb')
  const { data, channels } = await resized(upright, size, fit, isDeep ? 'ushort' : 'uchar')
  return toGrey(data, channels, isDeep ? 1 : deepest / 255)
}

/**
 * Cyan, magenta, yellow and black as red, green and blue, to the last bit as Pillow has it: (1 - ink) (1 - black),
 * where libvips would go through a printer's profile. Both take a JPEG of four channels for inverted, with Adobe's
 * marker or without.
 */
function fromInks(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3)
  for (let at = 0; at < rgb.length; at += 1) {
    const first = 4 * Math.floor(at / 3)
    const light = 255 - (inks[first + 3] ?? 0)
    const product = (inks[first + (at % 3)] ?? 0) * light + 128
    rgb[at] = light - (((product >> 8) + product) >> 8) // rounded division by 255
  }
  return rgb
}

async function decodeMat(path: string, size: number, fit: Fit): Promise<Uint16Array> {
  const { pixels, rows, columns } = await readFigshare(path)
  const low = pixels.reduce((least, value) => Math.min(least, value), Infinity)
  const high = pixels.reduce((most, value) => Math.max(most, value), -Infinity)
  const scale = high > low ? deepest / (high - low) : 0
  const levels = Uint16Array.from(pixels, (value) => Math.round((value - low) * scale))
  const { default: sharp } = await import('sharp')
  const image = sharp(levels, { raw: { width: columns, height: rows, channels: 1 } })
  const { data, channels } = await resized(image.toColourspace('grey16'), size, fit, 'ushort')
  return toGrey(data, channels, 1)
}

async function resized(
  image: Sharp,
  size: number,
  fit: Fit,
  depth: 'uchar' | 'ushort',
): Promise<{ data: ArrayLike<number>; channels: number }> {
  const { data, info } = await image
    .resize(size, size, { fit: fits[fit], kernel: 'linear', background: '#000', fastShrinkOnLoad: false })
    .raw({ depth })
    .toBuffer({ resolveWithObject: true })
  const { buffer, byteOffset, byteLength } = data
  const values =
    depth === 'ushort'
      ? new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength))
      : new Uint8Array(data)
  return { data: values, channels: info.channels }
}

function toGrey(data: ArrayLike<number>, channels: number, scale: number): Uint16Array {
  const grey = new Uint16Array(data.length / channels)
  for (let at = 0; at < grey.length; at += 1) {
    const first = at * channels
    const level =
      channels < 3
        ? (data[first] ?? 0)
        : luma.reduce((sum, weight, channel) => sum + weight * (data[first + channel] ?? 0), 0)
    grey[at] = Math.round(level * scale)
  }
  return grey
}
