// What a run will cost, before it is begun: twenty steps of it, and arithmetic.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { throwIfAborted } from '../errors.js'
import { memory } from '../memory.js'
import type { ContrastiveTrainer } from '../contrastive-trainer.js'
import type { CallOptions } from '../options/encoder.js'
import type { PretrainConfig, PretrainSettings } from '../options/pretrain.js'
import { readCurated } from '../slices/curated.js'
import { resolveConfig } from './config.js'
import { openTrainer, openViews } from './engine.js'
import { Feeder } from './feeder.js'
import { makeSchedule } from './schedule.js'

const probeSteps = 20
/** The first ones pack weights and touch fresh memory. */
const warmupSteps = 3

export interface PretrainPlan {
  readonly slices: number
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly device: string
  readonly precision: string
  readonly threads: number
  readonly parameters: number
  /** Median of the probe's steps. */
  readonly secondsPerStep: number
  readonly pairsPerSecond: number
  /** Share of the time spent waiting for slices. */
  readonly waitShare: number
  /** Of the whole run. */
  readonly hours: number
  /** That the engine holds at most. */
  readonly memoryBytes: number
  readonly checkpointBytes: number
  /** Checkpoints that are kept, one being written, and the backbone. */
  readonly diskBytes: number
}

/** Runs up to 20 steps of a configuration without writing anything that stays. `config.out` plays no part. */
export async function planPretraining(
  config: Omit<PretrainConfig, 'out'>,
  call: CallOptions = {},
): Promise<PretrainPlan> {
  const { signal } = call
  const settings = resolveConfig({ ...config, out: '.' })
  const slices = await readCurated(settings.data)
  await using views = await openViews(settings, slices, signal)
  const { steps, stepsPerEpoch } = makeSchedule(settings, views.info.stepsPerEpoch)
  await using trainer = await openTrainer(settings, signal)
  const feeder = await Feeder.open(views, trainer, settings, 0, probeSteps)
  const times: { seconds: number; wait: number }[] = []
  try {
    for (let step = 1; step <= probeSteps; step += 1) {
      throwIfAborted(signal)
      const start = performance.now()
      const { wait } = await feeder.step({ lr: 0, momentum: 1 })
      times.push({ seconds: (performance.now() - start) / 1000, wait })
    }
  } finally {
    await feeder.end()
  }
  const measured = times.slice(warmupSteps)
  const secondsPerStep = median(measured.map(({ seconds }) => seconds))
  const checkpointBytes = await sizeOfState(trainer)
  const { device, precision, threads, parameterCount: parameters } = trainer.info
  return {
    ...{
      slices: views.info.samples,
      steps,
      stepsPerEpoch,
      device,
      precision,
      threads,
      parameters,
      secondsPerStep,
    },
    pairsPerSecond: settings.batchSize / secondsPerStep,
    waitShare: median(measured.map(({ seconds, wait }) => wait / seconds)),
    hours: (secondsPerStep * steps) / 3600,
    memoryBytes: memory().peakHostBytes + buffersOf(settings),
    checkpointBytes,
    diskBytes: checkpointBytes * (settings.keepCheckpoints + 1),
  }
}

/** Two pairs of views that are handed to the engine in turn. */
const buffersOf = ({ batchSize, microBatch, channels, imageSize }: PretrainSettings): number =>
  4 * (microBatch ?? batchSize) * channels * imageSize ** 2 * Float32Array.BYTES_PER_ELEMENT

async function sizeOfState(trainer: ContrastiveTrainer): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gyrus-plan-'))
  try {
    const files = [join(folder, 'state.safetensors'), join(folder, 'backbone.safetensors')] as const
    await trainer.saveState(files[0])
    await trainer.saveBackbone(files[1])
    return (await stat(files[0])).size + (await stat(files[1])).size
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
