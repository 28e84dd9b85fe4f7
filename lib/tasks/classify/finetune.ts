// finetune(): one classifier on labelled images, from given weights or from a random start, with its test's report.
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { openLabelled, type OpenedSet } from '../../labelled/open.js'
import {
  finetuneSettings,
  taskCallOptions,
  type FinetuneConfig,
  type FinetuneSettings,
  type TaskCallOptions,
} from '../../options/classify.js'
import { parseOptions } from '../../options/parse.js'
import { openOutputFolder } from '../../run/output-folder.js'
import { writeWhole } from '../../write-file.js'
import { cellData, testLabels, type CellData } from './data.js'
import type { FinetuneEvent } from './events.js'
import { reportOf } from './figures.js'
import { FeatureCache, linearCell } from './linear-cell.js'
import { preparing } from './preparing.js'
import { trainCell, type CellOutcome } from './train-cell.js'

const free = ['device', 'threads', 'loaderThreads', 'out', 'cache']
const weightsName = 'model.safetensors'
const ownFiles = [
  /^data$/,
  /^(report\.html|result\.json|curve\.jsonl)(\.partial)?$/,
  /^(model|best)\.safetensors/,
]

/**
 * Trains into a folder as the iterator is consumed; ends with a `done` event. With `resume`, a run that is finished is
 * not run again, and one that was interrupted begins anew.
 */
export async function* finetune(
  config: FinetuneConfig,
  call: TaskCallOptions = {},
): AsyncGenerator<FinetuneEvent> {
  const { signal, ...options } = parseOptions(taskCallOptions, 'finetune', call)
  const settings = parseOptions(finetuneSettings, 'finetune', config)
  const { out } = settings
  const start = performance.now()
  const folder = await openOutputFolder(out, settings, { ...options, free, own: ownFiles })
  try {
    const opened = yield* preparing((onProgress) =>
      openLabelled(settings, { cache: join(out, 'data'), signal, onProgress }),
    )
    const { set, split, warnings } = opened
    const data = cellData(set, split, settings.labelFraction, settings.seed)
    const sizes = { train: data.train.rows.length, val: data.val.rows.length, test: data.test.rows.length }
    yield { type: 'start', classes: set.classes, ...sizes }
    for (const message of warnings) yield { type: 'warning', message }
    const known = folder.isContinued ? await readOutcome(out) : undefined
    const outcome = known ?? (yield* train(settings, data, signal))
    if (known === undefined) await saveOutcome(out, settings, opened, outcome)
    const figures = reportOf(outcome.logits, testLabels(opened), set.classes.length, settings)
    const { writeRunReport } = await import('./report/run-report.js')
    const report = await writeRunReport({ settings, opened, outcome, figures })
    const weights = settings.method === 'linear' ? undefined : join(out, weightsName)
    yield { type: 'done', out, figures, report, weights, seconds: (performance.now() - start) / 1000 }
  } finally {
    await folder.close()
  }
}

async function* train(
  settings: FinetuneSettings,
  data: CellData,
  signal: AbortSignal | undefined,
): AsyncGenerator<FinetuneEvent, CellOutcome> {
  if (settings.method === 'linear') return linearCell(settings, data, new FeatureCache(), signal)
  const best = join(settings.out, 'best.safetensors')
  const epochs = trainCell(settings, data, { best, signal })
  for (;;) {
    const next = await epochs.next()
    if (next.done === true) {
      await rename(best, join(settings.out, weightsName))
      return next.value
    }
    yield { type: 'epoch', epochs: settings.epochs, ...next.value }
  }
}

const outcomeName = 'result.json'

async function saveOutcome(
  out: string,
  settings: FinetuneSettings,
  opened: OpenedSet,
  outcome: CellOutcome,
): Promise<void> {
  const { set, split } = opened
  const labels = testLabels(opened)
  const result = {
    classes: set.classes,
    ...outcome,
    logits: [...outcome.logits],
    labels: [...labels],
    images: split.test.map((place) => set.names[place]),
    figures: reportOf(outcome.logits, labels, set.classes.length, settings),
  }
  await writeWhole(join(out, outcomeName), `${JSON.stringify(result)}\n`, true)
}

async function readOutcome(out: string): Promise<CellOutcome | undefined> {
  try {
    const found = JSON.parse(await readFile(join(out, outcomeName), 'utf8')) as CellOutcome & {
      logits: number[]
    }
    return { ...found, logits: Float32Array.from(found.logits) }
  } catch {
    return undefined // there is none yet
  }
}
