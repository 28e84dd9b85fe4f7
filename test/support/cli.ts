// Runs the command line as a user would, in a process of its own.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The command's file. */
export const cli = fileURLToPath(new URL('../../gyrus/cli.js', import.meta.url))

export function gyrus(...parameters: string[]) {
  return gyrusWith({}, ...parameters)
}

/** The same with more environment variables. */
export function gyrusWith(variables: Record<string, string>, ...parameters: string[]) {
  const env = { ...process.env, ...variables }
  return spawnSync(process.execPath, [cli, ...parameters], { encoding: 'utf8', timeout: 120_000, env })
}

/**
 * The same where no file can grow beyond `blocks` of 512 or 1024 bytes: writing fails as on a full disk. Without the
 * test runner's own hooks, which write files as well and die of the signal that Node ignores.
 */
export function gyrusWithFileLimit(blocks: number, ...parameters: string[]) {
  const command = [
    'unset NODE_OPTIONS; ulimit -f "$0" && exec "$@"',
    String(blocks),
    process.execPath,
    cli,
    ...parameters,
  ]
  return spawnSync('sh', ['-c', ...command], { encoding: 'utf8', timeout: 120_000 })
}

/** The same by somebody who may not read everything: where the tests are root's, another user. */
export function gyrusAsNobody(...parameters: string[]) {
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const command = ['unset NODE_OPTIONS; exec "$0" "$@"', process.execPath, cli]
  return spawnSync('sh', ['-c', ...command, ...parameters], { encoding: 'utf8', timeout: 120_000, ...nobody })
}

/** Starts a command and sends it a signal when it prints its first line on stdout. */
export async function gyrusInterrupted(
  signal: NodeJS.Signals,
  ...parameters: string[]
): Promise<{ status: number | null; signal: string | null; stderr: string }> {
  const child = spawn(process.execPath, [cli, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.once('data', () => child.kill(signal)).resume()
  return new Promise((resolve) => {
    child.once('close', (status, ended) => {
      resolve({ status, signal: ended, stderr })
    })
  })
}

/** Runs a command until `delay` ms have passed, then kills it; true when it had ended by itself. */
export async function gyrusKilled(delay: number, ...parameters: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [cli, ...parameters], { stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), delay)
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })
}

/** The JSON objects that a command printed, one a line. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
