// compare(): arms x seeds x label fractions, each a cell of its own on the disk, and one report. A killed
// comparison goes on behind the last cell that was finished.
import { join } from 'node:path'
import { abortError, invalidOption } from '../../errors.js'
import { openLabelled, type OpenedSet } from '../../labelled/open.js'
import {
  compareSettings,
  taskCallOptions,
  type CompareConfig,
  type CompareSettings,
  type TaskCallOptions,
} from '../../options/classify.js'
import { parseOptions } from '../../options/parse.js'
import { openOutputFolder } from '../../run/output-folder.js'
import { CellStore, cellsOf, type Cell, type CellResult } from './cells.js'
import { cellData, testLabels } from './data.js'
import type { CompareEvent } from './events.js'
import { figuresOf } from './figures.js'
import { FeatureCache, linearCell } from './linear-cell.js'
import { preparing } from './preparing.js'
import { dropWeights, trainCell, type CellOutcome } from './train-cell.js'

/** Settings that may differ when a comparison is continued: cells know themselves what they were made with. */
const free = [
  'arms',
  'seeds',
  'labelFractions',
  'device',
  'threads',
  'loaderThreads',
  'out',
  'cache',
  'reference',
]
const ownFiles = [
  /^cells$/,
  /^data$/,
  /^(report\.html|report\.json|table\.csv)(\.partial)?$/,
  /^best\.safetensors/,
]

/** Runs or continues a comparison as the iterator is consumed; ends with a `done` event. */
export async function* compare(
  config: CompareConfig,
  call: TaskCallOptions = {},
): AsyncGenerator<CompareEvent> {
  const { signal, ...options } = parseOptions(taskCallOptions, 'compare', call)
  const settings = checkArms(parseOptions(compareSettings, 'compare', config))
  const start = performance.now()
  const folder = await openOutputFolder(settings.out, settings, { ...options, free, own: ownFiles })
  try {
    const opened = yield* preparing((onProgress) =>
      openLabelled(settings, { cache: join(settings.out, 'data'), signal, onProgress }),
    )
    const { set, split, warnings } = opened
    const store = await CellStore.open(settings.out, set.fingerprint)
    const cells = cellsOf(settings)
    const results = new Map<string, CellResult>()
    for (const cell of cells) {
      const known = await store.read(cell)
      if (known !== undefined) results.set(cell.name, known)
    }
    const sizes = { train: split.train.length, val: split.val.length, test: split.test.length }
    yield { type: 'start', cells: cells.length, finished: results.size, classes: set.classes, ...sizes }
    for (const message of warnings) yield { type: 'warning', message }
    const features = new FeatureCache()
    for (const cell of cells) {
      if (results.has(cell.name)) continue
      if (signal?.aborted === true) throw abortError(signal)
      const result = yield* runCell(cell, opened, settings, features, signal)
      await store.write(cell, result)
      results.set(cell.name, result)
      const { accuracy, f1 } = figuresOf(
        Float32Array.from(result.logits),
        testLabels(opened),
        set.classes.length,
      )
      const { seconds } = result
      yield { type: 'cell', cell: cell.name, done: results.size, cells: cells.length, accuracy, f1, seconds }
    }
    const { writeComparison } = await import('./report/write.js')
    const { path, verdicts } = await writeComparison({ settings, opened, cells, results })
    yield {
      type: 'done',
      out: settings.out,
      report: path,
      verdicts,
      seconds: (performance.now() - start) / 1000,
    }
  } finally {
    await folder.close()
  }
}

function checkArms(settings: CompareSettings): CompareSettings {
  const names = settings.arms.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw invalidOption('compare: arms', 'named differently', twice)
  if (settings.reference !== undefined && !names.includes(settings.reference))
    throw invalidOption('compare: reference', `one of the arms (${names.join(', ')})`, settings.reference)
  return settings
}

async function* runCell(
  cell: Cell,
  { set, split }: OpenedSet,
  { out }: CompareSettings,
  features: FeatureCache,
  signal: AbortSignal | undefined,
): AsyncGenerator<CompareEvent, CellResult> {
  const start = performance.now()
  const { settings } = cell
  const data = cellData(set, split, settings.labelFraction, settings.seed)
  const best = join(out, 'best.safetensors')
  let outcome: CellOutcome
  if (settings.method === 'linear') outcome = await linearCell(settings, data, features, signal)
  else {
    const epochs = trainCell(settings, data, { best, signal })
    for (;;) {
      const next = await epochs.next()
      if (next.done === true) {
        outcome = next.value
        break
      }
      yield { type: 'epoch', cell: cell.name, epochs: settings.epochs, ...next.value }
    }
    await dropWeights(best)
  }
  return {
    arm: cell.arm,
    seed: settings.seed,
    labelFraction: settings.labelFraction,
    trained: data.train.rows.length,
    ...outcome,
    logits: [...outcome.logits],
    seconds: (performance.now() - start) / 1000,
  }
}
