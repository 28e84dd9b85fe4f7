// finetune(): one classifier on labelled images, from given weights or from a random start, with its test's report.
import { access, copyFile, readFile, rename } from 'node:fs/promises'
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
import { keyOf } from './cells.js'
import { cellData, testLabels, type CellData } from './data.js'
import type { FinetuneEvent, Report } from './events.js'
import { reportOf } from './figures.js'
import { FeatureCache, linearCell, saveLinear } from './linear-cell.js'
import { preparing } from './preparing.js'
import { RunState, stateFiles } from './run-state.js'
import { startOfFinetune } from './start.js'
import { checkClassWeights, trainCell, type CellOutcome } from './train-cell.js'

const free = ['device', 'threads', 'loaderThreads', 'out', 'cache', 'saveSeconds']
const weightsName = 'model.safetensors'
const ownFiles = [
  /^data$/,
  /^(report\.html|result\.json)(\.partial)?$/,
  /^(model|best)\.safetensors/,
  ...stateFiles,
]

/**
 * Trains into a folder as the iterator is consumed; ends with a `done` event. With `resume`, a run that is finished is
 * not run again, and one that was interrupted goes on behind its last state, to the same end; one whose images or first
 * weights were changed since begins anew.
 */
export async function* finetune(
  config: FinetuneConfig,
  call: TaskCallOptions = {},
): AsyncGenerator<FinetuneEvent> {
  const { signal, ...options } = parseOptions(taskCallOptions, 'finetune', call)
  const settings = await startOfFinetune(parseOptions(finetuneSettings, 'finetune', config), config)
  const { out } = settings
  const start = performance.now()
  const folder = await openOutputFolder(out, settings, { ...options, free, own: ownFiles })
  try {
    const opened = yield* preparing(signal, (preparation) =>
      openLabelled(settings, { cache: join(out, 'data'), ...preparation }),
    )
    const { set, split, warnings } = opened
    checkClassWeights('finetune', settings, set.classes)
    const data = cellData(set, split, settings.labelFraction, settings.seed)
    const sizes = { train: data.train.rows.length, val: data.val.rows.length, test: data.test.rows.length }
    yield { type: 'start', classes: set.classes, ...sizes }
    for (const message of warnings) yield { type: 'warning', message }
    const key = await keyOf(settings, set.fingerprint)
    const known = folder.isContinued ? await readOutcome(settings, key) : undefined
    const state = new RunState(out, key, settings.saveSeconds)
    const outcome = known ?? (yield* train(settings, data, state, signal))
    const figures = reportOf(outcome.logits, testLabels(opened), set.classes.length, settings)
    if (known === undefined) await saveOutcome({ settings, key, opened, outcome, figures })
    await state.clear()
    const { writeRunReport } = await import('./report/run-report.js')
    const report = await writeRunReport({ settings, opened, outcome, figures })
    const weights = join(out, weightsName)
    yield { type: 'done', out, figures, report, weights, seconds: (performance.now() - start) / 1000 }
  } finally {
    await folder.close()
  }
}

async function* train(
  settings: FinetuneSettings,
  data: CellData,
  state: RunState,
  signal: AbortSignal | undefined,
): AsyncGenerator<FinetuneEvent, CellOutcome> {
  if (settings.method === 'linear') {
    const { outcome, classifier } = await linearCell(settings, data, new FeatureCache(), signal)
    await saveLinear(settings, data.classes, classifier, join(settings.out, weightsName))
    return outcome
  }
  const epochs = trainCell(settings, data, { best: (epoch) => state.bestPath(epoch), state, signal })
  for (;;) {
    const next = await epochs.next()
    const problem = state.takeProblem()
    if (problem !== undefined)
      yield { type: 'warning', message: `the epochs before are done again: ${problem}` }
    if (next.done === true) {
      const model = join(settings.out, weightsName)
      await copyFile(state.bestPath(next.value.bestEpoch), `${model}.partial`)
      await rename(`${model}.partial`, model)
      return next.value
    }
    yield { type: 'epoch', epochs: settings.epochs, ...next.value }
  }
}

const outcomeName = 'result.json'

async function saveOutcome(run: {
  readonly settings: FinetuneSettings
  readonly key: string
  readonly opened: OpenedSet
  readonly outcome: CellOutcome
  readonly figures: Report
}): Promise<void> {
  const { settings, key, opened, outcome, figures } = run
  const { set, split } = opened
  const result = {
    key,
    classes: set.classes,
    ...outcome,
    logits: [...outcome.logits],
    labels: [...testLabels(opened)],
    images: split.test.map((place) => set.names[place]),
    figures,
  }
  await writeWhole(join(settings.out, outcomeName), `${JSON.stringify(result)}\n`, true)
}

/** Undefined unless the very run is finished and its weights are there. */
async function readOutcome(settings: FinetuneSettings, key: string): Promise<CellOutcome | undefined> {
  try {
    const text = await readFile(join(settings.out, outcomeName), 'utf8')
    const found = JSON.parse(text) as Omit<CellOutcome, 'logits'> & { logits: number[]; key?: unknown }
    await access(join(settings.out, weightsName))
    return found.key === key ? { ...found, logits: Float32Array.from(found.logits) } : undefined
  } catch {
    return undefined
  }
}
