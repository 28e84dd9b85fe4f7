// report.html of one fine-tuning.
import { join } from 'node:path'
import type { OpenedSet } from '../../../labelled/open.js'
import type { FinetuneSettings } from '../../../options/classify.js'
import { html, type Html } from '../../../report/html.js'
import { settingsTable } from '../../../report/settings.js'
import { writeWhole } from '../../../write-file.js'
import type { Report, ScoreName } from '../events.js'
import type { CellOutcome } from '../train-cell.js'
import { chooseExamples } from './examples.js'
import { confusionTable, curves, list, page, percent, pictures, reliability } from './parts.js'

const shown = 12

export async function writeRunReport(sources: {
  readonly settings: FinetuneSettings
  readonly opened: OpenedSet
  readonly outcome: CellOutcome
  readonly figures: Report
}): Promise<string> {
  const { settings, opened, outcome, figures } = sources
  const { right, wrong } = chooseExamples(opened, outcome.logits, shown)
  const line = (name: string, pick: (epoch: CellOutcome['curve'][number]) => number | undefined) =>
    outcome.curve.flatMap((epoch) => {
      const value = pick(epoch)
      return value === undefined ? [] : [{ epoch: epoch.epoch, value, name, run: name }]
    })
  const losses = [...line('training', ({ loss }) => loss), ...line('validation', ({ valLoss }) => valLoss)]
  const accuracies = [
    ...line('training', ({ trainAccuracy }) => trainAccuracy),
    ...line('validation', ({ valAccuracy }) => valAccuracy),
  ]
  const body = html`<h1>
      ${settings.arch}, ${settings.method === 'linear' ? 'linear probe' : 'fine-tuned'}
      <small>${settings.weights ?? 'random start'}</small>
    </h1>
    ${tiles(figures)}
    <h2>Learning</h2>
    <div class="figures">
      ${curves(losses, 'Loss')} ${curves(accuracies, 'Accuracy')} ${reliability(figures.calibration)}
    </div>
    <h2>Who is taken for whom</h2>
    ${confusionTable(figures.confusion, opened.set.classes, `${figures.count} test images`)}
    <h2>Right, and surest</h2>
    ${await pictures(opened, right)}
    <h2>Wrong, and surest</h2>
    ${await pictures(opened, wrong)}
    <h2>What was found of the images</h2>
    ${list(opened.warnings)}
    <h2>Settings</h2>
    ${settingsTable(Object.entries(settings))}`
  const path = join(settings.out, 'report.html')
  await writeWhole(path, page('fine-tuning', body))
  return path
}

function tiles(figures: Report): Html {
  const names: readonly [string, ScoreName][] = [
    ['accuracy', 'accuracy'],
    ['macro precision', 'macroPrecision'],
    ['macro recall', 'macroRecall'],
    ['F1 as the paper has it', 'f1'],
  ]
  const { auroc, aurocInterval: interval } = figures
  const area = interval === undefined ? '' : `; ${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`
  return html`<ul class="tiles">
    ${names.map(([title, name]) => {
      const { low, high } = figures.intervals[name]
      return html`<li>
        <b>${percent(figures[name])}</b> ${title}<small>${percent(low)} to ${percent(high)}</small>
      </li>`
    })}
    <li>
      <b>${auroc === undefined ? '–' : auroc.toFixed(3)}</b> AUROC<small>one against the rest${area}</small>
    </li>
  </ul>`
}
