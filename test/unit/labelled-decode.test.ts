// Image files of every kind as squares of 16-bit grey values, and those that are none.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import t from 'tap'
import { decodeImage } from '../../lib/labelled/decode.js'
import { rejection } from '../support/rejection.js'

const folder = t.testdir()
const side = 24

/** Smooth colours, so that JPEG keeps them. */
const rgb = Uint8Array.from({ length: side * side * 3 }, (_, at) => {
  const [pixel, channel] = [Math.floor(at / 3), at % 3]
  return [Math.floor(pixel / side) * 8, (pixel % side) * 8, 128][channel] ?? 0
})
const luma = Array.from({ length: side * side }, (_, at) =>
  Math.round(257 * (0.299 * (rgb[3 * at] ?? 0) + 0.587 * (rgb[3 * at + 1] ?? 0) + 0.114 * 128)),
)
const colour = () => sharp(rgb, { raw: { width: side, height: side, channels: 3 } })

async function write(name: string, image: Sharp): Promise<string> {
  const path = join(folder, name)
  writeFileSync(path, await image.toBuffer())
  return path
}

function worst(found: Uint16Array, wanted: readonly number[]): number {
  return Math.max(...wanted.map((value, at) => Math.abs(value - (found[at] ?? NaN))))
}

void t.test('colours become their luma', async (t) => {
  const png = await write('rgb.png', colour().png())
  t.same([...(await decodeImage(png, side, 'crop'))], luma)
  const transparent = await write('rgba.png', colour().ensureAlpha(0.25).png())
  t.same([...(await decodeImage(transparent, side, 'crop'))], luma, 'transparency is dropped, not mixed')
  const jpeg = await write('rgb.jpg', colour().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }))
  t.ok(worst(await decodeImage(jpeg, side, 'crop'), luma) < 3 * 257)
})

void t.test('palettes, CMYK, 16 bits, alpha beside grey', async (t) => {
  const two = Uint8Array.from({ length: side * side }, (_, at) => (at % side < side / 2 ? 30 : 200))
  const grey = () => sharp(two, { raw: { width: side, height: side, channels: 1 } })
  const wanted = [...two].map((value) => 257 * value)
  const palette = await write('palette.png', grey().png({ palette: true, colours: 2 }))
  t.same((await sharp(palette).metadata()).isPalette, true)
  t.same([...(await decodeImage(palette, side, 'crop'))], wanted)
  const cmyk = await write('cmyk.jpg', grey().toColourspace('cmyk').jpeg({ quality: 100 }))
  t.equal((await sharp(cmyk).metadata()).space, 'cmyk')
  const print = await decodeImage(cmyk, side, 'crop')
  const [dark = 0, bright = 0] = [print[5], print[side - 5]]
  t.ok(dark < 60 * 257 && bright > 170 * 257 && bright < 230 * 257, `${dark / 257} and ${bright / 257}`)
  const deep = Uint16Array.from({ length: side * side }, (_, at) => 100 * at + 7)
  const raw = { width: side, height: side, channels: 1 } as const
  const deepPng = await write('deep.png', sharp(deep, { raw }).toColourspace('grey16').png())
  t.equal((await sharp(deepPng).metadata()).depth, 'ushort')
  t.same([...(await decodeImage(deepPng, side, 'crop'))], [...deep], 'no bit is lost')
  const both = Uint8Array.from({ length: 2 * two.length }, (_, at) => (at % 2 === 0 ? (two[at / 2] ?? 0) : 9))
  const withAlpha = sharp(both, { raw: { width: side, height: side, channels: 2 } })
  const greyAlpha = await write('grey-alpha.png', withAlpha.toColourspace('b-w').png())
  t.equal((await sharp(greyAlpha).metadata()).channels, 2)
  t.same([...(await decodeImage(greyAlpha, side, 'crop'))], wanted)
})

void t.test('CMYK is what Pillow makes of it', async (t) => {
  const goldens = fileURLToPath(new URL('../../../test/goldens/images/', import.meta.url)) // from dist/test/unit/
  const pixels = JSON.parse(readFileSync(join(goldens, 'rgb.json'), 'utf8')) as Record<string, number[]>
  for (const [name, own] of Object.entries(pixels)) {
    const count = own.length / 3
    const wanted = Array.from({ length: count }, (_, at) =>
      [0.299, 0.587, 0.114].reduce(
        (sum, weight, channel) => sum + 257 * weight * (own[3 * at + channel] ?? 0),
        0,
      ),
    )
    const found = await decodeImage(join(goldens, `${name}.jpg`), Math.sqrt(count), 'crop')
    t.ok(worst(found, wanted) <= 0.5 + 1e-6, `${name}: ${worst(found, wanted)} of 65535`)
    t.equal((await decodeImage(join(goldens, `${name}.jpg`), 7, 'stretch')).length, 49)
  }
})

void t.test('colour profiles change no pixel', async (t) => {
  const printed = colour().withIccProfile('p3')
  const path = await write('profile.png', printed.png())
  t.not((await sharp(path).metadata()).icc, undefined)
  const stored = await sharp(path, { ignoreIcc: true }).raw().toBuffer()
  const wanted = Array.from({ length: side * side }, (_, at) =>
    Math.round(
      257 *
        (0.299 * (stored[3 * at] ?? 0) +
          0.587 * (stored[3 * at + 1] ?? 0) +
          0.114 * (stored[3 * at + 2] ?? 0)),
    ),
  )
  t.same([...(await decodeImage(path, side, 'crop'))], wanted)
  t.ok(worst(await decodeImage(path, side, 'crop'), luma) > 257, 'the profile is another one')
})

void t.test('sizes that are not square', async (t) => {
  // Three thirds from left to right: 50, 100, 150.
  const wide = Uint8Array.from({ length: 30 * 10 }, (_, at) => 50 * (1 + Math.floor((at % 30) / 10)))
  const path = await write('wide.png', sharp(wide, { raw: { width: 30, height: 10, channels: 1 } }).png())
  const crop = await decodeImage(path, 10, 'crop')
  t.ok(
    crop.every((value) => value === 100 * 257),
    'the middle square',
  )
  const pad = await decodeImage(path, 30, 'pad')
  t.same([pad[0], pad[29 * 30 + 29], pad[15 * 30 + 15]], [0, 0, 100 * 257], 'black margins')
  const stretch = await decodeImage(path, 30, 'stretch')
  t.same([stretch[0], stretch[29], stretch[29 * 30]], [50 * 257, 150 * 257, 50 * 257])
  for (const [width, height] of [
    [1, 1],
    [1, 57],
    [57, 1],
    [31, 33],
    [7, 900],
  ] as const) {
    const even = new Uint8Array(width * height).fill(77)
    const image = sharp(even, { raw: { width, height, channels: 1 } })
    const odd = await write(`${width}x${height}.jpg`, image.jpeg({ quality: 100 }))
    for (const fit of ['crop', 'stretch'] as const) {
      const found = await decodeImage(odd, 16, fit)
      t.equal(found.length, 256)
      t.ok(
        found.every((value) => Math.abs(value - 77 * 257) <= 257),
        `${width} x ${height}, ${fit}`,
      )
    }
  }
})

void t.test('an EXIF orientation is not followed, as in the ImageFolder of the paper', async (t) => {
  const plain = await write('upright.jpg', colour().jpeg({ quality: 100 }))
  const turned = await write(
    'turned.jpg',
    sharp(plain).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }),
  )
  t.equal((await sharp(turned).metadata()).orientation, 6)
  const [found, wanted] = [await decodeImage(turned, side, 'crop'), await decodeImage(plain, side, 'crop')]
  t.ok(worst(found, [...wanted]) < 3 * 257)
})

void t.test('what is no image', async (t) => {
  const jpeg = await colour().jpeg().toBuffer()
  const png = await colour().png().toBuffer()
  const bad: Record<string, Buffer> = {
    'empty.jpg': Buffer.alloc(0),
    'cut.jpg': jpeg.subarray(0, jpeg.length / 2),
    'shorn.jpg': jpeg.subarray(0, jpeg.length - 60),
    'cut.png': png.subarray(0, png.length - 200),
    'text.jpg': Buffer.from('no picture at all\n'),
    'zeros.png': Buffer.alloc(4096),
    'drawing.png': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"/>'),
    'scan.png': await colour().tiff().toBuffer(),
    'web.jpg': await colour().webp().toBuffer(),
  }
  for (const [name, bytes] of Object.entries(bad)) {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    const error = await rejection(t, decodeImage(path, side, 'crop'), 'ERR_GYRUS_FILE_FORMAT')
    t.ok(error.message.startsWith(`${path} is no image that can be decoded: `), error.message)
  }
  await rejection(t, decodeImage(join(folder, 'none.jpg'), side, 'crop'), 'ERR_GYRUS_FILE_NOT_FOUND')
})
