// report.html of a run: one file that stands alone. Is it learning, are the embeddings alive, does the data keep up,
// and which slices does the encoder hold for alike?
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PretrainSettings } from '../../options/pretrain.js'
import { html, type Html } from '../../report/html.js'
import { section } from '../../report/section.js'
import { settingsTable } from '../../report/settings.js'
import { style } from '../../report/style.js'
import type { CuratedSlices } from '../../slices/curated.js'
import type { ViewLoader } from '../../view-loader.js'
import { writeWhole } from '../../write-file.js'
import type { StepMetrics, StepTiming } from '../events.js'
import { readLines } from '../../run/json-lines.js'
import { chanceLoss } from '../schedule.js'
import { drawCurve, type Curve, type Point } from '../../report/curves.js'
import { neighbourMontage } from './neighbours.js'

export interface ReportSources {
  readonly settings: PretrainSettings
  readonly slices: CuratedSlices
  readonly views: ViewLoader
  readonly backbone: string
}

const methodNames = { mocov3: 'MoCo v3', simclr: 'SimCLR' } as const satisfies Record<
  PretrainSettings['method'],
  string
>

/** Writes the report from the run's logs and its last weights, and returns its path. */
export async function writeReport(sources: ReportSources): Promise<string> {
  const { settings } = sources
  const metrics = await readLines<StepMetrics>(join(settings.out, 'metrics.jsonl'))
  const timings = await readLines<StepTiming>(join(settings.out, 'timings.jsonl'))
  const hasWeights = await readFile(sources.backbone).then(
    () => true,
    () => false,
  )
  const montage = hasWeights ? await neighbourMontage(sources) : html`<p>There is no checkpoint yet.</p>`
  const neighbours = html`<p>
      Each line begins with a slice; behind it, by falling cosine, what the encoder holds for most like it.
    </p>
    ${montage}`
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>gyrus: pretraining</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <h1>${settings.arch}, ${methodNames[settings.method]} <small>${metrics.length} steps</small></h1>
        ${tiles(settings, metrics, timings)}
        ${section('learning', 'Is it learning?', figures(learningCurves(settings, metrics)))}
        ${section('health', 'Are the embeddings alive?', figures(healthCurves(settings, metrics)))}
        ${section('speed', 'Schedule and speed', figures(speedCurves(settings, metrics, timings)))}
        ${section('neighbours', 'Nearest slices of other subjects', neighbours)}
        <h2>Settings</h2>
        ${settingsTable(Object.entries(settings))}
      </body>
    </html> `
  const path = join(settings.out, 'report.html')
  await writeWhole(path, page.text)
  return path
}

const points = (lines: readonly StepMetrics[], pick: (line: StepMetrics) => number | undefined): Point[] =>
  lines.flatMap((line) => {
    const value = pick(line)
    return value === undefined ? [] : [{ step: line.step, value }]
  })

interface Figure extends Curve {
  readonly caption: string
}

function learningCurves(settings: PretrainSettings, metrics: readonly StepMetrics[]): Figure[] {
  const chance = chanceLoss(settings)
  const curves: Figure[] = [
    {
      label: 'loss',
      caption: `Loss; ${chance.toFixed(3)} is that of embeddings that say nothing`,
      points: points(metrics, ({ loss }) => loss),
      marks: [{ name: 'chance', value: chance }],
    },
    {
      label: 'contrastive accuracy',
      caption: 'Share of images whose most similar key is their own',
      points: points(metrics, ({ top1 }) => top1),
      marks: [{ name: 'chance', value: 1 / settings.batchSize }],
    },
  ]
  const probe = points(metrics, (line) => line.probe)
  if (probe.length > 0)
    curves.push({
      label: 'probe',
      caption: 'Balanced accuracy of the nearest neighbours on the labels',
      points: probe,
    })
  return curves
}

function healthCurves({ collapse }: PretrainSettings, metrics: readonly StepMetrics[]): Figure[] {
  const limit = (value: number) => [{ name: 'collapse', value }]
  return [
    {
      label: 'standard deviation',
      caption: 'Standard deviation of the embeddings; 1: spread over the whole sphere',
      points: points(metrics, ({ health }) => health?.std),
      marks: limit(collapse.std),
    },
    {
      label: 'effective rank',
      caption: 'Effective rank of the embeddings',
      points: points(metrics, ({ health }) => health?.effectiveRank),
      marks: limit(collapse.rank),
    },
    {
      label: 'alignment',
      caption: 'Alignment: squared distance of two views of an image; lower is better',
      points: points(metrics, ({ health }) => health?.alignment),
    },
    {
      label: 'uniformity',
      caption: 'Uniformity over the sphere; lower is better',
      points: points(metrics, ({ health }) => health?.uniformity),
    },
  ]
}

function speedCurves(
  { batchSize }: PretrainSettings,
  metrics: readonly StepMetrics[],
  timings: readonly StepTiming[],
): Figure[] {
  const timed = (value: (timing: StepTiming) => number): Point[] =>
    timings.map((timing) => ({ step: timing.step, value: value(timing) }))
  return [
    { label: 'learning rate', caption: 'Learning rate', points: points(metrics, ({ lr }) => lr) },
    {
      label: 'momentum',
      caption: 'Momentum of the momentum encoder',
      points: points(metrics, ({ momentum }) => momentum),
    },
    {
      label: 'pairs a second',
      caption: 'Pairs a second',
      points: timed(({ seconds }) => batchSize / seconds),
    },
    {
      label: 'data wait',
      caption: 'Share of the time spent waiting for slices',
      points: timed(({ wait, seconds }) => wait / seconds),
    },
  ]
}

function figures(curves: readonly Figure[]): Html {
  return html`<div class="figures">
    ${curves
      .filter((curve) => curve.points.length > 0)
      .map(
        (curve) =>
          html`<figure>
            ${drawCurve(curve)}
            <figcaption>${curve.caption}</figcaption>
          </figure>`,
      )}
  </div>`
}

function tiles(
  settings: PretrainSettings,
  metrics: readonly StepMetrics[],
  timings: readonly StepTiming[],
): Html {
  const last = metrics.at(-1)
  const seconds = timings.reduce((sum, timing) => sum + timing.seconds, 0)
  const wait = timings.reduce((sum, timing) => sum + timing.wait, 0)
  const rate = (settings.batchSize * timings.length) / seconds
  const facts: [string, string, string][] = [
    ['loss', last?.loss.toFixed(3) ?? '–', `${chanceLoss(settings).toFixed(3)} by chance`],
    ['contrastive accuracy', percent(last?.top1), `${percent(1 / settings.batchSize)} by chance`],
    [
      'pairs a second',
      Number.isFinite(rate) ? rate.toPrecision(3) : '–',
      `${(seconds / 3600).toFixed(2)} h of training`,
    ],
    ['data wait', percent(seconds > 0 ? wait / seconds : undefined), 'of the time'],
  ]
  return html`<ul class="tiles">
    ${facts.map(([name, value, note]) => html`<li><b>${value}</b> ${name}<small>${note}</small></li>`)}
  </ul>`
}

const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(100 * share).toFixed(1)} %`
