// Which .npy files of a plan hold one slice: only their heads know it.
import { join } from 'node:path'
import { callEngine } from '../call.js'
import type { VolumeSource } from '../datasets/source.js'
import { isGyrusError } from '../errors.js'
import { native, type NativeVolumeReader } from '../native.js'

/** The sources, with the `slice` of those. What is wrong with a file is told of when it is read. */
export async function withSingleSlices(
  volumes: readonly VolumeSource[],
  signal: AbortSignal | undefined,
): Promise<readonly VolumeSource[]> {
  if (!volumes.some(({ format }) => format === 'npy')) return volumes
  const memory = new (native().VolumeMemory)({ keep: 0, most: Number.MAX_SAFE_INTEGER })
  const reader = new (native().VolumeReader)(memory)
  try {
    const found: VolumeSource[] = []
    for (const source of volumes) {
      const slice = source.format === 'npy' ? await sliceOf(source, reader, signal) : undefined
      found.push(slice === undefined ? source : { ...source, slice })
    }
    return found
  } finally {
    await reader.dispose()
  }
}

async function sliceOf(
  { root, path }: VolumeSource,
  reader: NativeVolumeReader,
  signal: AbortSignal | undefined,
): Promise<VolumeSource['slice']> {
  try {
    const { shape } = await callEngine(withSingleSlices, signal, (ticket) =>
      reader.announce(join(root, path), 'npy', 0, ticket),
    )
    const [columns, rows, count] = shape
    return count === 1 ? [rows, columns] : undefined
  } catch (error) {
    if (!isGyrusError(error) || error.code === 'ERR_GYRUS_ABORTED') throw error
    return undefined
  }
}
