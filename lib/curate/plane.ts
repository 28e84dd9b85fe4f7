// The plane along which a volume is cut.
import type { VolumeSource } from '../datasets/source.js'
import type { CurateSettings } from '../options/curate.js'

export type Plane = CurateSettings['plane']

/** Across an image there is nothing to cut: it is its own slice. */
export function planeOf({ format, slice }: VolumeSource, { plane }: CurateSettings): Plane {
  return format === 'image' || slice !== undefined ? 'axial' : plane
}
