// Arrays that slices are cut into, used again from volume to volume: fresh ones would have to be cleared by the system
// page by page, and collected. They begin where a page does, as shards are written best.
import { firstPage, pageAligned } from '../slices/block-file.js'

export class SliceBuffers {
  readonly #free: ArrayBuffer[] = []
  #lent = 0

  /** Bytes of slices that were taken and not yet given back. */
  get lentBytes(): number {
    return this.#lent
  }

  /** An array of `elements` whose contents are arbitrary. */
  take(elements: number): Uint16Array<ArrayBuffer> {
    const bytes = elements * Uint16Array.BYTES_PER_ELEMENT
    this.#lent += bytes
    const at = this.#free.findIndex((buffer) => buffer.byteLength - firstPage(buffer) >= bytes)
    // One that is too small makes room for its successor, so that there are never more than are in use at once.
    const [found] = this.#free.splice(at, 1)
    const buffer = at >= 0 && found !== undefined ? found : pageAligned(bytes).buffer
    return new Uint16Array(buffer, firstPage(buffer), elements)
  }

  /** Takes an array back; its owner must not touch it any more. */
  give({ buffer, byteLength }: Uint16Array): void {
    this.#lent -= byteLength
    if (buffer instanceof ArrayBuffer) this.#free.push(buffer)
  }
}
