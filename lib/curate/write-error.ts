// Failures to write: which file, why, and what to do.
import { GyrusError } from '../errors.js'

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room, then run the same command again: it goes on where it stopped',
  EDQUOT: 'the quota is used up: make room, then run the same command again: it goes on where it stopped',
  EACCES: 'it may not be written: check its permissions',
  EROFS: 'it lies on a read-only file system: choose another folder',
  ENOTDIR: 'part of its path is no folder: choose another one',
}

export function writeError(path: string, cause: unknown): GyrusError {
  if (cause instanceof GyrusError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  const remedy = remedies[code ?? ''] ?? message
  return new GyrusError('ERR_GYRUS_FILE_IO', `cannot write ${path}: ${remedy}`, { cause })
}
