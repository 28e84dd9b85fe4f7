// compare(): arms x seeds x label fractions, each a cell of its own on the disk, and one report. A killed
// comparison goes on behind the last cell that was finished.
import { join } from 'node:path'
import { Encoder } from '../../encoder.js'
import { abortError, GyrusError, invalidOption } from '../../errors.js'
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
import { searchRate, type SearchedOutcome } from './rate-search.js'
import { startsOfArms } from './start.js'
import { checkClassWeights, dropWeights, trainCell, type CellOutcome } from './train-cell.js'

/** Settings that may differ when a comparison is continued: cells know themselves what they were made with. */
const free = [
  'arms',
  'seeds',
  'labelFractions',
  'lrs',
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
  const settings = await startsOfArms(checkGrid(parseOptions(compareSettings, 'compare', config)), config)
  const cells = cellsOf(settings)
  const start = performance.now()
  const folder = await openOutputFolder(settings.out, settings, { ...options, free, own: ownFiles })
  try {
    const opened = yield* preparing(signal, (preparation) =>
      openLabelled(settings, { cache: join(settings.out, 'data'), ...preparation }),
    )
    const { set, split, warnings } = opened
    checkClassWeights('compare', settings, set.classes)
    if (split.val.length === 0 && cells.some(({ lrs }) => lrs.length > 0))
      throw invalidOption(
        'compare: lrs',
        'left out: there are no validation images to choose one on',
        settings.lrs,
      )
    const store = new CellStore(settings.out, set.fingerprint)
    const results = new Map<string, CellResult>()
    for (const cell of cells) {
      const known = await store.read(cell)
      if (known !== undefined) results.set(cell.name, known)
    }
    const sizes = { train: split.train.length, val: split.val.length, test: split.test.length }
    yield { type: 'start', cells: cells.length, finished: results.size, classes: set.classes, ...sizes }
    for (const message of warnings) yield { type: 'warning', message }
    await checkWeights(cells.filter(({ name }) => !results.has(name)))
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
    const { path, rows, verdicts } = await writeComparison({ settings, opened, cells, results })
    yield {
      type: 'done',
      out: settings.out,
      report: path,
      rows,
      verdicts,
      seconds: (performance.now() - start) / 1000,
    }
  } finally {
    await folder.close()
  }
}

/** Arms, seeds and fractions that are there twice would be counted as two. */
function checkGrid(settings: CompareSettings): CompareSettings {
  const { arms, seeds, labelFractions, reference } = settings
  const names = arms.map(({ name }) => name)
  const isAgain = <Item>(item: Item, at: number, all: readonly Item[]): boolean => all.indexOf(item) !== at
  const twice = names.find(isAgain)
  if (twice !== undefined) throw invalidOption('compare: arms', 'named differently', twice)
  const seed = seeds.find(isAgain)
  if (seed !== undefined) throw invalidOption('compare: seeds', 'different numbers', `${seed} twice`)
  const fraction = labelFractions.find(isAgain)
  if (fraction !== undefined)
    throw invalidOption('compare: labelFractions', 'different numbers', `${fraction} twice`)
  if (reference !== undefined && !names.includes(reference))
    throw invalidOption('compare: reference', `one of the arms (${names.join(', ')})`, reference)
  return settings
}

/** Each arm's weights once, before hours are spent on the arms before it. */
async function checkWeights(cells: readonly Cell[]): Promise<void> {
  const first = cells.filter(({ arm }, at) => cells.findIndex((other) => other.arm === arm) === at)
  for (const { arm, settings } of first) {
    const { weights, arch, heads, imageSize, channels, device, precision, threads } = settings
    if (weights === undefined) continue
    try {
      const options = { weights, arch, heads, imageSize, channels, device, precision, threads }
      await (await Encoder.load(options)).dispose()
    } catch (error) {
      if (error instanceof GyrusError)
        throw new GyrusError(error.code, `arm ${arm}: ${error.message}`, { cause: error })
      throw error
    }
  }
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
  let outcome: CellOutcome & Partial<SearchedOutcome>
  if (settings.method === 'linear') ({ outcome } = await linearCell(settings, data, features, signal))
  else {
    const options = { best: () => best, signal }
    const epochs =
      cell.lrs.length > 0 ? searchRate(settings, cell.lrs, data, options) : trainCell(settings, data, options)
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
