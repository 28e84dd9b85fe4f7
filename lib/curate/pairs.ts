// Two packed NIfTI files are inflated in less time than one after the other: a reader takes them together.
import type { VolumeSource } from '../datasets/source.js'

export function canBePaired({ format, path }: VolumeSource): boolean {
  return format === 'nifti' && path.endsWith('.nii.gz')
}

/**
 * The items in their order, two together where both can be, until so few are left that `readers` would not all have
 * work.
 */
export function inPairs<Item>(
  items: readonly Item[],
  sourceOf: (item: Item) => VolumeSource,
  readers: number,
): (readonly [Item] | readonly [Item, Item])[] {
  const groups: (readonly [Item] | readonly [Item, Item])[] = []
  for (let at = 0; at < items.length;) {
    const [first, second] = items.slice(at, at + 2) as [Item, Item?]
    const isPair =
      second !== undefined &&
      items.length - at > 2 * readers &&
      canBePaired(sourceOf(first)) &&
      canBePaired(sourceOf(second))
    groups.push(isPair ? [first, second] : [first])
    at += isPair ? 2 : 1
  }
  return groups
}
