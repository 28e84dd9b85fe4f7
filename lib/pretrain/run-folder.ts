// The folder of a run: whose it is, what it was started with, and which files in it are gyrus's own.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GyrusError } from '../errors.js'
import type { PretrainSettings } from '../options/pretrain.js'
import { lockFolder } from '../run/lock.js'
import { checkSameSettings, readSettingsFile, settingsName } from '../run/settings-file.js'
import { makeFolder, writeError, writeWhole } from '../write-file.js'

const ownFiles = [
  /^(config\.json|metrics\.jsonl|timings\.jsonl|latest|report\.html)(\.partial)?$/,
  /^(backbone|probe)\.safetensors(\.partial)?$/,
  /^checkpoints$/,
  /^events\.out\.tfevents\./,
]

/** Settings that may differ when a run is continued: they change nothing about the weights. */
const free: readonly string[] = [
  'data',
  'out',
  'device',
  'threads',
  'loaderThreads',
  'saveEvery',
  'keepCheckpoints',
]

interface Config {
  readonly settings: PretrainSettings
  /** Of the curated slices. */
  readonly fingerprint: string
}

export interface OpenOptions {
  readonly resume: boolean
  readonly overwrite: boolean
}

export interface RunFolder {
  /** There is something in it to go on from. */
  readonly isContinued: boolean
  /** Makes it this run's: until then nothing in it was changed. */
  readonly begin: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Takes the folder for one run, and looks at what is in it. */
export async function openRunFolder(config: Config, options: OpenOptions): Promise<RunFolder> {
  const { out } = config.settings
  const path = join(out, settingsName)
  try {
    await makeFolder(out)
    const close = await lockFolder(out)
    try {
      const before = options.overwrite ? undefined : ((await readSettingsFile(path)) as Config | undefined)
      if (before !== undefined && !options.resume)
        throw new GyrusError(
          'ERR_GYRUS_FILE_IO',
          `${out} holds a run: pass resume to continue it, overwrite to remove it, or choose another folder`,
        )
      if (before !== undefined) checkSame(out, before, config)
      const begin = async (): Promise<void> => {
        if (options.overwrite) await clear(out)
        await writeWhole(path, `${JSON.stringify(config, undefined, 2)}\n`, true)
      }
      return { isContinued: before !== undefined, begin, close }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    throw writeError(out, error)
  }
}

async function clear(out: string): Promise<void> {
  for (const name of await readdir(out)) {
    if (ownFiles.some((pattern) => pattern.test(name))) await rm(join(out, name), { recursive: true })
  }
}

function checkSame(out: string, before: Config, now: Config): void {
  checkSameSettings(out, before.settings, now.settings, free)
  if (before.fingerprint !== now.fingerprint)
    throw new GyrusError(
      'ERR_GYRUS_INVALID_ARGUMENT',
      `${out} was begun on other slices than those of ${now.settings.data}: continue on the same curated folder`,
    )
}
