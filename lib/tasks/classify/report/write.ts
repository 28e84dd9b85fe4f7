// A comparison's report: report.html to read, report.json with everything, table.csv with a line an arm and fraction.
import { join } from 'node:path'
import type { OpenedSet } from '../../../labelled/open.js'
import type { CompareSettings } from '../../../options/classify.js'
import { html, type Html } from '../../../report/html.js'
import { settingsTable } from '../../../report/settings.js'
import { writeWhole } from '../../../write-file.js'
import { shareOfLabels, type Cell, type CellResult } from '../cells.js'
import { testLabels } from '../data.js'
import { scoreNames, type ComparisonRow as Row, type ScoreName } from '../events.js'
import { chooseExamples } from './examples.js'
import { confusionTable, curves, list, page, percent, pictures } from './parts.js'
import { summarize } from './summary.js'

const shown = 8
const titles: Readonly<Record<ScoreName, string>> = {
  accuracy: 'Accuracy',
  macroPrecision: 'Precision',
  macroRecall: 'Recall',
  f1: 'F1',
  macroF1: 'macro F1',
}

export async function writeComparison(sources: {
  readonly settings: CompareSettings
  readonly opened: OpenedSet
  readonly cells: readonly Cell[]
  readonly results: ReadonlyMap<string, CellResult>
}): Promise<{ path: string; rows: Row[]; verdicts: string[] }> {
  const { settings, opened, cells } = sources
  const results = cells.flatMap(({ name }) => sources.results.get(name) ?? [])
  const reference = settings.reference ?? settings.arms[0]?.name ?? ''
  const labels = testLabels(opened)
  const { replicates, confidence, out } = settings
  const classes = opened.set.classes.length
  const rows = summarize(results, { labels, classes, reference, replicates, confidence })
  const verdicts = rows.flatMap(({ verdict }) => verdict ?? [])
  const images = opened.split.test.map((place) => opened.set.names[place])
  const everything = {
    reference,
    classes: opened.set.classes,
    images,
    labels: [...labels],
    rows,
    verdicts,
    results,
  }
  await writeWhole(join(out, 'report.json'), `${JSON.stringify(everything)}\n`)
  await writeWhole(join(out, 'table.csv'), toCsv(rows))
  const path = join(out, 'report.html')
  await writeWhole(path, page('comparison', await body(settings, opened, rows, results, verdicts, reference)))
  return { path, rows, verdicts }
}

async function body(
  settings: CompareSettings,
  opened: OpenedSet,
  rows: readonly Row[],
  results: readonly CellResult[],
  verdicts: readonly string[],
  reference: string,
): Promise<Html> {
  const { set, split } = opened
  const seeds = rows[0]?.seeds.length ?? 0
  const sizes =
    `${split.train.length} images to train on, ${split.val.length} to validate, ` +
    `${split.test.length} to test`
  return html`<h1>
      Comparison <small>${settings.arms.length} arms, ${seeds} seeds, ${set.classes.length} classes</small>
    </h1>
    <h2>What it shows</h2>
    ${list(verdicts.length > 0 ? verdicts : ['There is one arm: nothing is compared.'])}
    <h2>Test figures</h2>
    ${table(rows, reference)}
    <p>
      ${sizes}. Means over the seeds ± their standard deviation; below them the
      ${percent(settings.confidence, 0)} interval by drawing the test images again. Precision and recall are
      means over the classes, and F1 is the harmonic mean of these two means, as the paper has it. Differences
      are to ${reference}, seed by seed, in points, with their ${percent(settings.confidence, 0)} interval. p
      is the paired t test's; below it the same after Holm's correction for all comparisons of the table, and
      that of exact sign flips, which with ${seeds} seeds cannot fall below
      ${+(2 / 2 ** seeds).toPrecision(2)}.
    </p>
    ${rates(rows, results)}
    <h2>Learning curves</h2>
    <div class="figures">
      ${curves(
        points(results, ({ valAccuracy }) => valAccuracy),
        'Accuracy on the validation images: thin a seed, thick their mean',
      )}
      ${curves(
        points(results, ({ loss }) => loss),
        'Loss in training: thin a seed, thick their mean',
      )}
    </div>
    <h2>Who is taken for whom</h2>
    <div class="figures">
      ${rows.map((row) => confusionTable(row.confusion, set.classes, `${nameOf(row)}, all seeds together`))}
    </div>
    <h2>Examples</h2>
    ${await exampleRows(opened, rows, results)}
    <h2>What was found of the images</h2>
    ${list(opened.warnings)}
    <h2>Settings</h2>
    ${settingsTable(Object.entries(settings))}`
}

const nameOf = ({ arm, labelFraction }: Pick<Row, 'arm' | 'labelFraction'>): string =>
  `${arm}${shareOfLabels(labelFraction, ', ')}`

function points(
  results: readonly CellResult[],
  pick: (epoch: CellResult['curve'][number]) => number | undefined,
) {
  return results.flatMap((result) =>
    result.curve.flatMap((epoch) => {
      const value = pick(epoch)
      const name = nameOf(result)
      return value === undefined ? [] : [{ epoch: epoch.epoch, value, name, run: `${name} ${result.seed}` }]
    }),
  )
}

function table(rows: readonly Row[], reference: string): Html {
  const columns: readonly ScoreName[] = ['accuracy', 'macroPrecision', 'macroRecall', 'f1']
  const hasFractions = rows.some(({ labelFraction }) => labelFraction !== 1)
  return html`<div class="wide">
    <table class="whole">
      <thead>
        <tr>
          <th>Arm</th>
          ${hasFractions ? html`<th class="number">Labels</th>` : html``}
          <th class="number">Images</th>
          ${columns.map((name) => html`<th class="number">${titles[name]}</th>`)}
          <th class="number">AUROC</th>
          <th class="number">Calibration error</th>
          <th class="number">Accuracy less that of ${reference}</th>
          <th class="number">p of that</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <td>${row.arm}</td>
              ${hasFractions ? html`<td class="number">${percent(row.labelFraction, 0)}</td>` : html``}
              <td class="number">${Math.round(row.trained)}</td>
              ${columns.map((name) => scoreCell(row, name))} ${aurocCell(row)}
              <td class="number">${percent(row.ece)}</td>
              ${differenceCells(row)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** Which learning rate each seed took, and what the others came to on the validation images. */
function rates(rows: readonly Row[], results: readonly CellResult[]): Html {
  const searched = rows.filter(({ lrs }) => lrs !== undefined)
  if (searched.length === 0) return html``
  const line = (row: Row): string => {
    const own = results.filter(
      ({ arm, labelFraction }) => arm === row.arm && labelFraction === row.labelFraction,
    )
    const tried = [...new Set(own.flatMap((result) => result.tried?.map(({ lr }) => lr) ?? []))]
    const said = tried.map((lr) => {
      const runs = own.flatMap((result) => result.tried?.filter((other) => other.lr === lr) ?? [])
      const found = runs.flatMap((run) => ('best' in run ? [run.best.valAccuracy ?? NaN] : []))
      const mean = found.reduce((sum, value) => sum + value, 0) / found.length
      const chosen = row.lrs?.filter((other) => other === lr).length ?? 0
      const lost = found.length < runs.length ? `, diverged ${runs.length - found.length} times` : ''
      return `${lr} (${chosen} of ${row.seeds.length}; validation ${percent(mean)}${lost})`
    })
    return `${nameOf(row)}: ${said.join(', ')}`
  }
  return html`<h2>Learning rates</h2>
    <p>
      Of each arm, seed and share of the labels the one that is best on the validation images: in brackets by
      how many seeds it was taken, and its mean accuracy there.
    </p>
    ${list(searched.map(line))}`
}

function scoreCell({ mean, deviation, interval }: Row, name: ScoreName): Html {
  const { low, high } = interval[name]
  const points = (value: number): string => (100 * value).toFixed(1)
  const spread = Number.isNaN(deviation[name]) ? '' : ` ± ${points(deviation[name])}`
  return html`<td class="number">
    <b>${percent(mean[name])}</b>${spread}<br /><small>${points(low)} to ${points(high)}</small>
  </td>`
}

function aurocCell({ auroc, aurocInterval: interval }: Row): Html {
  if (auroc === undefined || interval === undefined) return html`<td class="number">–</td>`
  return html`<td class="number">
    <b>${auroc.toFixed(3)}</b><br /><small>${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}</small>
  </td>`
}

function differenceCells({ difference, holm }: Row): Html {
  if (difference === undefined)
    return html`<td class="number">–</td>
      <td class="number">–</td>`
  const { meanDifference, interval, t, permutation } = difference.accuracy
  const signed = (value: number): string => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`
  const range = Number.isFinite(interval.low) ? `${signed(interval.low)} to ${signed(interval.high)}` : ''
  const p = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? '–' : String(+value.toPrecision(2))
  return html`<td class="number"><b>${signed(meanDifference)}</b><br /><small>${range}</small></td>
    <td class="number">
      <b>${p(t)}</b><br /><small>Holm ${p(holm)}</small><br /><small>flips ${p(permutation)}</small>
    </td>`
}

/** Of each arm at the largest fraction, its first seed. */
async function exampleRows(
  opened: OpenedSet,
  rows: readonly Row[],
  results: readonly CellResult[],
): Promise<Html> {
  const most = Math.max(...rows.map(({ labelFraction }) => labelFraction))
  const parts: Html[] = []
  for (const row of rows.filter(({ labelFraction }) => labelFraction === most)) {
    const result = results.find(({ arm, labelFraction }) => arm === row.arm && labelFraction === most)
    if (result === undefined) continue
    const { right, wrong } = chooseExamples(opened, Float32Array.from(result.logits), shown)
    parts.push(
      html`<h3>${row.arm}, seed ${result.seed}: right, and surest</h3>
        ${await pictures(opened, right)}
        <h3>${row.arm}, seed ${result.seed}: wrong, and surest</h3>
        ${await pictures(opened, wrong)}`,
    )
  }
  return html`${parts}`
}

function toCsv(rows: readonly Row[]): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const number = (value: number | undefined): string =>
    value === undefined || !Number.isFinite(value) ? '' : String(+value.toPrecision(7))
  const header = [
    ...['arm', 'label_fraction', 'trained_on', 'seeds'],
    ...scoreNames.flatMap((name) => [name, `${name}_sd`, `${name}_low`, `${name}_high`]),
    ...[
      'auroc',
      'auroc_low',
      'auroc_high',
      'ece',
      'accuracy_difference',
      'difference_low',
      'difference_high',
      'p_t',
      'p_holm',
      'p_sign_flip',
      'p_wilcoxon',
      'learning_rates',
    ],
  ]
  const lines = rows.map((row) => {
    const test = row.difference?.accuracy
    return [
      ...[quoted(row.arm), number(row.labelFraction), number(row.trained), String(row.seeds.length)],
      ...scoreNames.flatMap((name) => [
        number(row.mean[name]),
        number(row.deviation[name]),
        number(row.interval[name].low),
        number(row.interval[name].high),
      ]),
      ...[row.auroc, row.aurocInterval?.low, row.aurocInterval?.high, row.ece].map(number),
      ...[test?.meanDifference, test?.interval.low, test?.interval.high].map(number),
      ...[test?.t, row.holm, test?.permutation, test?.wilcoxon].map(number),
      (row.lrs ?? []).join(' '),
    ].join(',')
  })
  return [header.join(','), ...lines, ''].join('\n')
}
