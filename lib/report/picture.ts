// Grey pixels as a picture that a page holds in itself. By pngjs: sharp, which reads images elsewhere, takes longer to
// load than these take to pack, and makes three channels of one.
import { PNG } from 'pngjs'

const grey = { colorType: 0, inputColorType: 0, inputHasAlpha: false } as const
/** Paeth's predictor on every row (PNG specification, 9.4): of the five the smallest here. */
const filterType = 4

/** A PNG as a data URL. `pixels`: 8-bit grey, size x size. */
export function pictureUrl(pixels: Uint8Array, size: number): string {
  const picture = Object.assign(new PNG(), { width: size, height: size, data: Buffer.from(pixels) })
  return `data:image/png;base64,${PNG.sync.write(picture, { ...grey, filterType }).toString('base64')}`
}
