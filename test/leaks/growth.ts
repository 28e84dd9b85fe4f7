// How much a process grows over many lives of a session.
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memory } from '../../lib/index.js'

export const kinds = [
  'encoders',
  'supervised trainers',
  'MoCo trainers',
  'SimCLR trainers',
  'view loaders',
] as const
export type Kind = (typeof kinds)[number]

setFlagsFromString('--expose-gc')
export const collect = runInNewContext('gc') as () => void

/** Of this process; what the collector would take back is no leak. */
export function residentBytes(): number {
  collect()
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kib) * 1024
}

/** Runs a life `count` times; the first third warms up. Returns by how many bytes the process grew in the rest. */
export async function growth(count: number, life: (cycle: number) => Promise<unknown>): Promise<number> {
  let start = 0
  for (let cycle = 0; cycle < count; cycle += 1) {
    if (cycle === Math.ceil(count / 3)) start = residentBytes()
    await life(cycle)
    if (memory().hostBytes !== 0) throw new Error(`cycle ${cycle} left ${memory().hostBytes} bytes`)
  }
  return residentBytes() - start
}
