// Small runs of pretraining, their folders, and what two of them must have in common.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { PretrainEvent } from '../../lib/index.js'
import { writeCurated } from './shards.js'

export const config = {
  preset: 'cpu-resnet18',
  imageSize: 32,
  batchSize: 8,
  steps: 12,
  saveEvery: 4,
  threads: 1,
} as const

export function folders(t: Test, rows = 24): { data: string; out: string } {
  const folder = t.testdir()
  return {
    data: writeCurated(join(folder, 'curated'), { rows, size: 40, shardRows: 10 }),
    out: join(folder, 'run'),
  }
}

/** Labels of the first `rows` slices, one of three an `a`, the rest `b`; the path of the file. */
export function writeLabels(data: string, rows = 24): string {
  const path = join(data, 'labels.csv')
  const lines = Array.from({ length: rows }, (_, row) => `${row},${row % 3 === 0 ? 'a' : 'b'}`)
  writeFileSync(path, ['index,label', ...lines].join('\n'))
  return path
}

/** What two runs of one configuration must have in common. */
export function digest(out: string): string {
  const hash = createHash('sha256').update(readFileSync(join(out, 'metrics.jsonl')))
  for (const step of readdirSync(join(out, 'checkpoints')).sort()) hash.update(step)
  hash.update(readFileSync(join(out, 'backbone.safetensors')))
  hash.update(readFileSync(join(out, 'checkpoints', 'step-00000012', 'state.safetensors')))
  return hash.digest('hex')
}

/** Consumes a run and aborts it while step `at` is being told: it ends after the next one. */
export async function consumeUntil(
  at: number,
  run: (signal: AbortSignal) => AsyncGenerator<PretrainEvent>,
  events: PretrainEvent[] = [],
): Promise<PretrainEvent[]> {
  const stop = new AbortController()
  for await (const event of run(stop.signal)) {
    events.push(event)
    if (event.type === 'step' && event.step === at) stop.abort()
  }
  return events
}

export async function consume(run: AsyncGenerator<PretrainEvent>): Promise<PretrainEvent[]> {
  const events: PretrainEvent[] = []
  for await (const event of run) events.push(event)
  return events
}
