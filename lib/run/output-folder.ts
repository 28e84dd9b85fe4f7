// The folder of a task: locked while one process works in it, with the settings that it was begun with.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GyrusError } from '../errors.js'
import { makeFolder, writeError, writeWhole } from '../write-file.js'
import { lockFolder } from './lock.js'
import { checkSameSettings, readSettingsFile, settingsName } from './settings-file.js'

export interface OutputOptions {
  readonly resume: boolean
  readonly overwrite: boolean
}

export interface OutputFolder {
  /** There is something in it to go on from. */
  readonly isContinued: boolean
  close(): Promise<void>
}

const cacheName = 'data'

/**
 * Takes the folder. `settings` are written to config.json; a folder that was begun with others is refused, but for the
 * names in `free`. `own`: names that overwriting removes.
 */
export async function openOutputFolder(
  out: string,
  settings: Readonly<Record<string, unknown>>,
  options: OutputOptions & { readonly free: readonly string[]; readonly own: readonly RegExp[] },
): Promise<OutputFolder> {
  try {
    await makeFolder(out)
    const close = await lockFolder(out)
    try {
      const path = join(out, settingsName)
      const isEmpty = !(await readdir(out)).some((name) => isResult(name, options.own))
      const before =
        options.overwrite || isEmpty
          ? undefined
          : ((await readSettingsFile(path)) as typeof settings | undefined)
      if (before !== undefined && !options.resume)
        throw new GyrusError(
          'ERR_GYRUS_FILE_IO',
          `${out} holds results: pass resume to go on with them, overwrite to remove them, or choose another folder`,
        )
      if (before !== undefined) checkSameSettings(out, before, settings, options.free)
      if (options.overwrite) await clear(out, options.own)
      await writeWhole(path, `${JSON.stringify(settings, undefined, 2)}\n`, true)
      return { isContinued: before !== undefined, close }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    throw writeError(out, error)
  }
}

/** Settings and resized images alone are left by a run that failed before its first result. */
function isResult(name: string, own: readonly RegExp[]): boolean {
  return name !== cacheName && own.some((pattern) => pattern.test(name))
}

async function clear(out: string, own: readonly RegExp[]): Promise<void> {
  for (const name of await readdir(out)) {
    if (name === settingsName || own.some((pattern) => pattern.test(name)))
      await rm(join(out, name), { recursive: true })
  }
}
