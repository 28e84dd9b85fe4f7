// Takes the report's pictures: while a volume is open anyway, or, of volumes that an earlier process measured, by
// opening it again.
import type { VolumeSource } from '../../datasets/source.js'
import { isGyrusError } from '../../errors.js'
import type { CurateSettings } from '../../options/curate.js'
import type { JudgedVolume } from '../result.js'
import type { Reason } from '../select.js'
import type { SliceBuffers } from '../slice-buffers.js'
import type { Place, VolumeWorker, Window } from '../volume-worker.js'
import { chooseVolumes, nearThresholds, thumbnailSize, toThumbnails, type Thumbnail } from './montage.js'

/** What is known of an open volume. */
export interface OpenVolume {
  readonly place: Place
  readonly window: Window
  readonly entropy: ArrayLike<number>
  readonly marks: readonly Reason[]
}

/** What becomes of a volume's pictures, by its place in the plan. */
export type Show = (pictures: { readonly volume: number; readonly thumbnails: readonly Thumbnail[] }) => void

export class Gallery {
  readonly #settings: CurateSettings
  readonly #buffers: SliceBuffers
  readonly #wanted: ReadonlySet<number>
  readonly #show: Show
  readonly #taken = new Set<number>()

  constructor(volumes: readonly VolumeSource[], settings: CurateSettings, buffers: SliceBuffers, show: Show) {
    this.#settings = settings
    this.#buffers = buffers
    this.#show = show
    this.#wanted = chooseVolumes(volumes)
  }

  /** Takes the pictures of the volume that the worker has open, if the report shows it. */
  async take(worker: VolumeWorker, volume: number, open: OpenVolume): Promise<void> {
    if (!this.#wanted.has(volume)) return
    const shown = nearThresholds(open.entropy, open.marks, this.#settings)
    if (shown.length === 0) return
    const indices = shown.map(({ index }) => index)
    const slices = await worker.extract(open.place, open.window, indices, thumbnailSize)
    this.#taken.add(volume)
    this.#show({ volume, thumbnails: toThumbnails(shown, open.entropy, slices) })
    this.#buffers.give(slices)
  }

  /** Takes what is missing. */
  async complete(worker: VolumeWorker, judged: readonly JudgedVolume[]): Promise<void> {
    for (const volume of [...this.#wanted].sort((a, b) => a - b)) {
      const one = judged[volume]
      if (this.#taken.has(volume) || one?.entry.kind !== 'volume') continue
      const { entropy } = one.entry
      if (nearThresholds(entropy, one.marks, this.#settings).length === 0) continue
      try {
        await worker.open(one.source)
        await this.take(worker, volume, { place: 0, window: one.entry, entropy, marks: one.marks })
      } catch (error) {
        // A file that has gone since it was measured costs the report its pictures, not the run its result.
        if (!isGyrusError(error) || error.code === 'ERR_GYRUS_ABORTED') throw error
      }
    }
  }
}
