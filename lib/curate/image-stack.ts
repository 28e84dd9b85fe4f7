// Images of one folder are chosen among as the slices of a volume are, and so are .npy files of one slice and one size:
// one by one, each would be all of its own share or nothing.
import { dirname } from 'node:path/posix'
import type { VolumeSource } from '../datasets/source.js'

/** Images, or slices, that are chosen among at once: their kept slices wait in memory until all are measured. */
const most = 256

/** What two sources of one stack have in common; undefined: a volume of its own. */
function kindOf({ format, slice }: VolumeSource): string | undefined {
  if (format === 'image') return 'image'
  return slice === undefined ? undefined : slice.join(' x ')
}

/** Whether two sources that follow one another in the plan belong together. */
function belong(first: VolumeSource, second: VolumeSource): boolean {
  const kind = kindOf(first)
  return (
    kind !== undefined &&
    kind === kindOf(second) &&
    first.root === second.root &&
    dirname(first.path) === dirname(second.path)
  )
}

/**
 * The items in their order: images of a folder together, and slices of one size, `most` of them at a time, and any
 * other volume alone.
 */
export function inStacks<Item>(items: readonly Item[], sourceOf: (item: Item) => VolumeSource): Item[][] {
  const stacks: Item[][] = []
  for (const item of items) {
    const last = stacks.at(-1)
    const before = last?.at(-1)
    const isNext = before !== undefined && belong(sourceOf(before), sourceOf(item))
    if (last !== undefined && isNext && last.length < most) last.push(item)
    else stacks.push([item])
  }
  return stacks
}
