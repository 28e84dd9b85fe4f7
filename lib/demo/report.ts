// The demo's one report: what the pretraining was worth first, then how it went, and what it was given to learn from.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as Plot from '@observablehq/plot'
import { draw, frame } from '../report/figure.js'
import { html, type Html } from '../report/html.js'
import { section, takeSections } from '../report/section.js'
import { confusionTable, page, percent } from '../tasks/classify/report/parts.js'
import { writeWhole } from '../write-file.js'
import type { ProbeResult } from './evaluate.js'

export interface DemoFacts {
  readonly out: string
  readonly untrained: ProbeResult
  readonly pretrained: ProbeResult
  readonly steps: number
  readonly subjects: number
  /** Whose head was deformed; undefined: drawn from formulas. */
  readonly template: string | undefined
  /** The reports of the curation and of the run, parts of which are shown again. */
  readonly curation: string
  readonly run: string
}

/** Returns the report's path. */
export async function writeDemoReport(facts: DemoFacts): Promise<string> {
  const [curation, run] = await Promise.all([readFile(facts.curation, 'utf8'), readFile(facts.run, 'utf8')])
  const [learning, health, neighbours] = takeSections(run, ['learning', 'health', 'neighbours'])
  const [byDataset, thresholds] = takeSections(curation, ['by-dataset', 'near-thresholds'])
  const parts = [learning, neighbours, health, byDataset, thresholds].flatMap((part) =>
    part === undefined ? [] : [part],
  )
  const body = html`<h1>What the pretraining was worth</h1>
    ${tiles(facts)} ${result(facts)} ${parts}`
  const path = join(facts.out, 'report.html')
  await writeWhole(path, page('demo', body))
  return path
}

function tiles({ untrained, pretrained, steps, subjects, template }: DemoFacts): Html {
  const gain = 100 * (pretrained.balancedAccuracy - untrained.balancedAccuracy)
  const heads = template === undefined ? 'drawn from formulas' : 'deformed from a real head'
  const shown: [string, string, string][] = [
    ['mean recall, pretrained', percent(pretrained.balancedAccuracy), 'of slices of unseen subjects'],
    ['mean recall, untrained', percent(untrained.balancedAccuracy), 'the same network, nothing learned'],
    [
      'gained',
      `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)} points`,
      `${steps} steps without a label`,
    ],
    ['simulated subjects', String(subjects), heads],
  ]
  return html`<ul class="tiles">
    ${shown.map(([name, value, note]) => html`<li><b>${value}</b> ${name}<small>${note}</small></li>`)}
  </ul>`
}

function result({ untrained, pretrained, template }: DemoFacts): Html {
  const { classes, trained, tested } = pretrained
  const heads =
    template === undefined ? html`drawn from formulas` : html`deformed from <code>${template}</code>`
  const words = html`<p>
      A linear classifier on frozen features tells slices with ${classes.slice(0, -1).join(', ')} and
      ${classes.at(-1) ?? ''} apart. It learned on ${trained} labelled slices and was asked about ${tested} of
      other subjects. The heads are ${heads}, the tumours simulated: this shows that the pipeline learns, not
      how well it would do on patients.
    </p>
    <div class="figures">
      ${bars('Mean recall of the classes', pretrained.balancedAccuracy, untrained.balancedAccuracy, classes.length)}
      ${bars('Accuracy over all slices', pretrained.accuracy, untrained.accuracy, classes.length)}
    </div>
    <h3>Who was taken for whom</h3>
    <div class="figures">
      ${confusionTable(pretrained.confusion, classes, 'Pretrained')}
      ${confusionTable(untrained.confusion, classes, 'Untrained')}
    </div>`
  return section('result', 'A linear probe, with pretraining and without', words)
}

const arms = ['pretrained', 'untrained', 'guessing'] as const

function bars(caption: string, pretrained: number, untrained: number, classes: number): Html {
  const values = { pretrained, untrained, guessing: 1 / classes }
  const rows = arms.map((arm) => ({ arm, share: values[arm], text: percent(values[arm]) }))
  const figure = draw(
    {
      ...frame,
      height: 150,
      marginLeft: 76,
      marginRight: 52,
      x: { domain: [0, 1], grid: true, label: null, tickFormat: '.0%', ticks: 5 },
      y: { domain: [...arms], label: null, padding: 0.3, tickSize: 0 },
      color: { domain: [...arms], range: ['var(--kept)', 'var(--dropped)', 'var(--line)'] },
      marks: [
        Plot.barX(rows, { x: 'share', y: 'arm', fill: 'arm' }),
        Plot.text(rows, {
          x: 'share',
          y: 'arm',
          text: 'text',
          textAnchor: 'start',
          dx: 6,
          fill: 'currentColor',
        }),
        Plot.ruleX([0]),
      ],
    },
    caption,
  )
  return html`<figure>
    ${figure}
    <figcaption>${caption}</figcaption>
  </figure>`
}
