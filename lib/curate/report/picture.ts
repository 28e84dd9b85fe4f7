// A thumbnail as a PNG in base64, packed once.
import sharp from 'sharp'
import { thumbnailSize, type Thumbnail } from './montage.js'

const packed = new WeakMap<Thumbnail, Promise<string>>()

export async function pack(thumbnail: Thumbnail): Promise<string> {
  const known = packed.get(thumbnail)
  if (known !== undefined) return known
  const raw = { width: thumbnailSize, height: thumbnailSize, channels: 1 } as const
  const text = sharp(thumbnail.pixels, { raw })
    .png({ compressionLevel: 9 })
    .toBuffer()
    .then((png) => png.toString('base64'))
  text.catch(() => undefined) // awaited when the page is made
  packed.set(thumbnail, text)
  return text
}
