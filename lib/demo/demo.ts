// The demo: a cohort of simulated scans, its curation, a pretraining without labels, and what the encoder then knows of
// tumours, beside an encoder of the same architecture that has learned nothing.
import { join } from 'node:path'
import { writeCohort } from '../cohort/cohort.js'
import { curate } from '../curate/curate.js'
import { resolveConfig } from '../pretrain/config.js'
import type { PretrainEvent } from '../pretrain/events.js'
import { pretrain } from '../pretrain/pretrain.js'
import { probeBackbone, type ProbeResult } from './evaluate.js'

export interface DemoOptions {
  readonly out: string
  readonly subjects: number
  /** Voxels along a volume's longest axis. */
  readonly size: number
  readonly steps: number
  readonly seed: number
  readonly template?: string
  readonly signal?: AbortSignal
}

export interface DemoResult {
  readonly untrained: ProbeResult
  readonly pretrained: ProbeResult
  readonly backbone: string
  readonly reports: readonly string[]
}

/** Told of what is going on: a stage with how far it is, or an event of the pretraining. */
export interface DemoWatcher {
  progress(stage: 'drawing' | 'curating', done: number, total: number): void
  event(event: PretrainEvent): void
}

const preset = 'cpu-resnet18'
const imageSize = 64
const sliceSize = 96
/** Of the subjects: enough to ask about every kind of tumour. */
const valFraction = 0.35
const keepFraction = 0.5
/** Steps of rate zero, which give an untrained network's batch norms real statistics. */
const calibrationSteps = 20
const checkpoints = 8

export async function runDemo(options: DemoOptions, watcher: DemoWatcher): Promise<DemoResult> {
  const { out, steps, seed, signal } = options
  const [archives, curated, run] = [join(out, 'archives'), join(out, 'curated'), join(out, 'run')]
  await drawAndCurate(options, archives, curated, watcher)
  const labels = join(archives, 'labels.csv')
  const common = { preset, imageSize, seed, data: curated }
  const idle = { ...common, out: join(out, 'untrained'), steps: calibrationSteps, baseLr: 0 }
  const events = pretrain(idle, { overwrite: true, signal })
  while ((await events.next()).done !== true);
  const config = { ...common, out: run, steps, saveEvery: Math.ceil(steps / checkpoints), probe: { labels } }
  for await (const event of pretrain(config, { overwrite: true, signal })) watcher.event(event)
  const network = resolveConfig(config)
  const backbone = join(run, 'backbone.safetensors')
  return {
    untrained: await probeBackbone(join(idle.out, 'backbone.safetensors'), network, curated, labels),
    pretrained: await probeBackbone(backbone, network, curated, labels),
    backbone,
    reports: [join(curated, 'report.html'), join(run, 'report.html')],
  }
}

async function drawAndCurate(
  { subjects, size, seed, template, signal }: DemoOptions,
  archives: string,
  curated: string,
  watcher: DemoWatcher,
): Promise<void> {
  const datasets = ['ixi', 'oasis3', 'brats21', 'fastmri'] as const
  const cohort = { out: archives, subjects, size, seed, template, datasets: [...datasets], overwrite: true }
  const onProgress = (done: number, total: number): void => {
    watcher.progress('drawing', done, total)
  }
  await writeCohort(cohort, { signal, onProgress })
  const roots = datasets.map((name) => join(archives, name))
  const settings = { roots, out: curated, size: sliceSize, keepFraction, valFraction, seed, overwrite: true }
  for await (const event of curate(settings, { signal })) {
    if (event.type === 'progress') watcher.progress('curating', event.done, event.total)
  }
}
