// A folder belongs to one process at a time.
import { open, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { GyrusError } from '../errors.js'

const lockName = 'run.lock'

/** Takes the folder and returns what lets go of it. A lock whose process is gone is taken over. */
export async function lockFolder(out: string): Promise<() => Promise<void>> {
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
