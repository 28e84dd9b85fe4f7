// The demo: a cohort of simulated scans, its curation, a pretraining without labels, and what the encoder then knows of
// tumours, beside an encoder of the same architecture that has learned nothing.
import { join } from 'node:path'
import { writeCohort } from '../cohort/cohort.js'
import { findTemplate } from '../cohort/find-template.js'
import { curate } from '../curate/curate.js'
import { resolveConfig } from '../pretrain/config.js'
import type { PretrainEvent } from '../pretrain/events.js'
import { pretrain } from '../pretrain/pretrain.js'
import { probeBackbone, type ProbeResult } from './evaluate.js'
import { writeDemoReport } from './report.js'

export interface DemoOptions {
  readonly out: string
  readonly subjects: number
  /** Voxels along a volume's longest axis. */
  readonly size: number
  readonly steps: number
  readonly seed: number
  /** A T1 volume to deform; 'auto': one that is found on this machine; 'none': heads are drawn from formulas. */
  readonly template: string
  readonly signal?: AbortSignal
}

export interface DemoResult {
  readonly untrained: ProbeResult
  readonly pretrained: ProbeResult
  readonly backbone: string
  /** Whose head was deformed; undefined: drawn from formulas. */
  readonly template: string | undefined
  /** The demo's own, which shows parts of the others: the curation's and the run's. */
  readonly report: string
  readonly reports: readonly string[]
}

/** Told of what is going on: a stage with how far it is, or an event of the pretraining. */
export interface DemoWatcher {
  /** What heads are made from. */
  template(path: string | undefined): void
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
  const template = await chooseTemplate(options.template)
  watcher.template(template)
  await drawAndCurate({ ...options, template }, archives, curated, watcher)
  const labels = join(archives, 'labels.csv')
  const common = { preset, imageSize, seed, data: curated }
  const idle = { ...common, out: join(out, 'untrained'), steps: calibrationSteps, baseLr: 0 }
  const events = pretrain(idle, { overwrite: true, signal })
  while ((await events.next()).done !== true);
  const config = { ...common, out: run, steps, saveEvery: Math.ceil(steps / checkpoints), probe: { labels } }
  for await (const event of pretrain(config, { overwrite: true, signal })) watcher.event(event)
  const network = resolveConfig(config)
  const backbone = join(run, 'backbone.safetensors')
  const probes = {
    untrained: await probeBackbone(join(idle.out, 'backbone.safetensors'), network, curated, labels),
    pretrained: await probeBackbone(backbone, network, curated, labels),
  }
  const [curation, training] = [join(curated, 'report.html'), join(run, 'report.html')]
  const facts = { out, ...probes, steps, subjects: options.subjects, template, curation, run: training }
  return {
    ...probes,
    backbone,
    template,
    report: await writeDemoReport(facts),
    reports: [curation, training],
  }
}

async function chooseTemplate(asked: string): Promise<string | undefined> {
  if (asked === 'none') return undefined
  return asked === 'auto' ? findTemplate() : asked
}

async function drawAndCurate(
  {
    subjects,
    size,
    seed,
    template,
    signal,
  }: Omit<DemoOptions, 'template'> & { template: string | undefined },
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
