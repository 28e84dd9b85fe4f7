// What a folder was begun with: config.json, and whether it is still what is asked for.
import { readFile } from 'node:fs/promises'
import { GyrusError } from '../errors.js'

export const settingsName = 'config.json'

/** What the file holds; undefined when it is not there. */
export async function readSettingsFile(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} is no JSON: restore it, or choose another folder`,
      { cause },
    )
  }
}

const describe = (value: unknown): string => (value === undefined ? 'not given' : JSON.stringify(value))

/** Throws ERR_GYRUS_INVALID_ARGUMENT when settings have changed that are not in `free`. */
export function checkSameSettings(
  out: string,
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  free: readonly string[],
): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  const changed = names.filter(
    (name) => !free.includes(name) && describe(before[name]) !== describe(now[name]),
  )
  const [first] = changed
  if (first === undefined) return
  throw new GyrusError(
    'ERR_GYRUS_INVALID_ARGUMENT',
    `${out} was begun with other settings (${changed.join(', ')}: ${first} was ${describe(before[first])}, is ` +
      `${describe(now[first])}): continue with the same ones, or choose another folder`,
  )
}
