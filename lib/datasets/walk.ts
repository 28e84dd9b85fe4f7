// All files below a folder, in one order everywhere. Links to folders are followed once; a folder that cannot be read
// is told of and left out.
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GyrusError, throwIfAborted } from '../errors.js'

export interface Tree {
  /** Paths below the root, with '/', sorted by their bytes. */
  readonly files: readonly string[]
  readonly unreadable: readonly string[]
}

/** Walks a folder. Names that begin with a dot are left out: they are hidden, or shadows that macOS leaves. */
export async function walk(root: string, signal: AbortSignal | undefined): Promise<Tree> {
  const info = await stat(root).catch((cause: unknown) => {
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `there is no folder ${root}: check the path`, { cause })
  })
  if (!info.isDirectory())
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `${root} is no folder: give the folder that holds the archive`,
    )
  const files: string[] = []
  const unreadable: string[] = []
  const seen = new Set<string>()
  const visit = async (path: string): Promise<void> => {
    throwIfAborted(signal)
    const folder = join(root, path)
    const place = await realpath(folder).catch(() => undefined)
    if (place === undefined || seen.has(place)) return
    seen.add(place)
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
    if (entries === undefined) {
      unreadable.push(path)
      return
    }
    for (const entry of entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))) {
      if (entry.name.startsWith('.')) continue
      const below = path === '' ? entry.name : `${path}/${entry.name}`
      const target = entry.isSymbolicLink() ? await stat(join(root, below)).catch(() => undefined) : entry
      if (target?.isDirectory() === true) await visit(below)
      else if (target?.isFile() === true) files.push(below)
    }
  }
  await visit('')
  files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return { files, unreadable }
}
