// The folder of a run: whose it is, what it was started with, and which files in it are gyrus's own.
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { GyrusError } from '../errors.js'
import type { PretrainSettings } from '../options/pretrain.js'
import { writeError, writeWhole } from '../write-file.js'

const configName = 'config.json'
const lockName = 'run.lock'
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
  const path = join(out, configName)
  try {
    await mkdir(out, { recursive: true })
    const close = await lock(out)
    try {
      const before = options.overwrite ? undefined : await readConfig(path)
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

async function readConfig(path: string): Promise<Config | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as Config
  } catch (cause) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${path} is no JSON: restore it, or choose another folder`,
      { cause },
    )
  }
}

const describe = (value: unknown): string => (value === undefined ? 'not given' : JSON.stringify(value))

function checkSame(out: string, before: Config, now: Config): void {
  const names = new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])
  const value = ({ settings }: Config, name: string): string =>
    describe(Object.entries(settings).find(([key]) => key === name)?.[1])
  const changed = [...names].filter(
    (name) => !free.includes(name) && value(before, name) !== value(now, name),
  )
  const [first] = changed
  if (first !== undefined)
    throw new GyrusError(
      'ERR_GYRUS_INVALID_ARGUMENT',
      `${out} was begun with other settings (${changed.join(', ')}: ${first} was ${value(before, first)}, is ` +
        `${value(now, first)}): continue with the same ones, or choose another folder`,
    )
  if (before.fingerprint !== now.fingerprint)
    throw new GyrusError(
      'ERR_GYRUS_INVALID_ARGUMENT',
      `${out} was begun on other slices than those of ${now.settings.data}: continue on the same curated folder`,
    )
}

/** One process at a time. A lock whose process is gone is taken over. */
async function lock(out: string): Promise<() => Promise<void>> {
  const path = join(out, lockName)
  const own = `${hostname()} ${process.pid} ${(await startOf(process.pid)) ?? ''}\n`
  for (;;) {
    try {
      const handle = await open(path, 'wx')
      await handle.writeFile(own)
      await handle.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = await readFile(path, 'utf8').catch(() => '')
    if (holder === own || (await isAlive(holder)))
      throw new GyrusError(
        'ERR_GYRUS_BUSY',
        `${out} is in use by another run (host and process ${holder.trim()}): wait for its end`,
      )
    await rm(path, { force: true })
  }
}

/** A process of another host is believed to live. */
async function isAlive(holder: string): Promise<boolean> {
  const [host = '', pid, start] = holder.trim().split(' ')
  if (host !== hostname()) return host !== ''
  return (await startOf(Number(pid))) === start
}

/**
 * When a process began, in clock ticks: with it, a number that was given to a later process tells apart. Undefined for
 * one that is gone, or that waits only for its parent to notice.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === undefined || ['', 'Z', 'X'].includes(state) ? undefined : fields[18]
}
