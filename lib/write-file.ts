// Files that appear whole or not at all; and failures to write: which file, why, and what to do.
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { GyrusError } from './errors.js'

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room and run the same command again',
  EDQUOT: 'the quota is used up: make room and run the same command again',
  EACCES: 'it may not be written: check its permissions',
  EROFS: 'it lies on a read-only file system: choose another folder',
  ENOENT: 'there is no such folder, and none can be made: choose another one',
  ENOTDIR: 'part of its path is no folder: choose another one',
  EEXIST: 'part of its path is no folder: choose another one',
}

/** What the system said of a path as ERR_GYRUS_FILE_IO; any other error as it is. */
export function writeError(path: string, cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause))
  if (cause instanceof GyrusError || !('code' in cause)) return cause
  const remedy = remedies[String(cause.code)] ?? cause.message
  return new GyrusError('ERR_GYRUS_FILE_IO', `cannot write ${path}: ${remedy}`, { cause })
}

/**
 * Makes a folder and those above it, if they are not there. Node's own `recursive` tries for ever where a file system
 * that makes no folders (/proc) says ENOENT below a folder that is there.
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path)
  const error = await tryToMake(folder)
  if (error === undefined) return
  if (error.code !== 'ENOENT' || dirname(folder) === folder) throw error
  await makeFolder(dirname(folder))
  const again = await tryToMake(folder)
  if (again !== undefined) throw again
}

async function tryToMake(folder: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(folder)
    return undefined
  } catch (error) {
    const isThere = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    )
    return isThere ? undefined : (error as NodeJS.ErrnoException)
  }
}

/** Writes under another name and renames. `isDurable`: the disk has the file when the promise settles. */
export async function writeWhole(path: string, data: string | Uint8Array, isDurable = false): Promise<void> {
  const partial = `${path}.partial`
  try {
    await writeFile(partial, data)
    if (isDurable) await syncToDisk(partial)
    await rename(partial, path)
    if (isDurable) await syncToDisk(dirname(path))
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw writeError(path, error)
  }
}

/** Waits until the disk has a file's bytes or a folder's names. */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
