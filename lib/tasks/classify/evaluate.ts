// evaluate(): what a classifier that is there says of labelled images, by the protocol of the paper's script
// (science.md A7): the middle of each image, once, logits of the images' classes where a head has more.
import { join } from 'node:path'
import { GyrusError, invalidOption } from '../../errors.js'
import { openLabelled, openUnsplit } from '../../labelled/open.js'
import type { LabelledSet } from '../../labelled/labelled-set.js'
import {
  evaluateSettings,
  taskCallOptions,
  type EvaluateConfig,
  type EvaluateSettings,
  type TaskCallOptions,
} from '../../options/classify.js'
import { parseOptions } from '../../options/parse.js'
import { openOutputFolder } from '../../run/output-folder.js'
import { SupervisedTrainer } from '../../supervised-trainer.js'
import { ViewLoader } from '../../view-loader.js'
import { inspectWeights } from '../../weights/inspect.js'
import { writeWhole } from '../../write-file.js'
import { sideOf, type Side } from './data.js'
import type { Report } from './events.js'
import { reportOf } from './figures.js'
import { modelOfEvaluation } from './start.js'

export interface Evaluation {
  readonly classes: readonly string[]
  readonly figures: Report
  /** [n, classes] */
  readonly logits: Float32Array
  readonly labels: Int32Array
  readonly warnings: readonly string[]
  /** result.json */
  readonly path: string
}

const ownFiles = [/^data$/, /^result\.json(\.partial)?$/]

export async function evaluate(config: EvaluateConfig, call: TaskCallOptions = {}): Promise<Evaluation> {
  const { signal, ...options } = parseOptions(taskCallOptions, 'evaluate', call)
  const parsed = parseOptions(evaluateSettings, 'evaluate', config)
  const { settings, classes: trained } = await modelOfEvaluation(parsed, config)
  const { out } = settings
  const folder = await openOutputFolder(out, settings, { ...options, free: [], own: ownFiles })
  try {
    const { set, places, warnings } = await chooseImages(settings, signal)
    const { columns, warnings: ofClasses } = matchClasses(trained, set.classes, settings.matchClasses)
    warnings.push(...ofClasses)
    const side = sideOf(set, places)
    const logits = await predict(settings, set.shards, side, columns, signal)
    const figures = reportOf(logits, side.labels, set.classes.length, settings)
    const path = join(out, 'result.json')
    const images = places.map((place) => set.names[place])
    const result = {
      classes: set.classes,
      figures,
      logits: [...logits],
      labels: [...side.labels],
      images,
      warnings,
    }
    await writeWhole(path, `${JSON.stringify(result)}\n`)
    return { classes: set.classes, figures, logits, labels: side.labels, warnings, path }
  } finally {
    await folder.close()
  }
}

interface Chosen {
  readonly set: LabelledSet
  readonly places: readonly number[]
  readonly warnings: string[]
}

async function chooseImages(settings: EvaluateSettings, signal: AbortSignal | undefined): Promise<Chosen> {
  const { out, part } = settings
  const options = { cache: join(out, 'data'), signal }
  if (part === 'all') {
    const set = await openUnsplit(settings, options)
    return { set, places: [...set.labels.keys()], warnings: [...set.warnings] }
  }
  const { set, split, warnings } = await openLabelled(settings, options)
  if (split[part].length === 0)
    throw invalidOption(
      'evaluate: part',
      'one that has images (valFraction is 0, and the set has no val)',
      part,
    )
  return { set, places: split[part], warnings: [...warnings] }
}

interface Columns {
  /** Of the classifier's logits: where each of the images' classes is. */
  readonly columns: readonly number[]
  readonly warnings: readonly string[]
}

/** Classes are found by their names. A file that does not tell any has the images' classes first, as in the paper. */
function matchClasses(
  trained: readonly string[] | undefined,
  found: readonly string[],
  by: EvaluateSettings['matchClasses'],
): Columns {
  const inOrder = [...found.keys()]
  if (trained === undefined) return { columns: inOrder, warnings: [] }
  const facts = `the classifier was trained on ${trained.join(', ')}, these images are ${found.join(', ')}`
  if (by === 'order') {
    const isSame = found.every((name, at) => name === trained[at])
    return {
      columns: inOrder,
      warnings: isSame ? [] : [`${facts}: they are matched by their order, as asked`],
    }
  }
  const unknown = found.filter((name) => !trained.includes(name))
  if (unknown.length > 0)
    throw new GyrusError(
      'ERR_GYRUS_WEIGHTS_MISMATCH',
      `${facts}: it does not know ${unknown.join(', ')}; give the folders its names, or pass matchClasses 'order' ` +
        'where the same classes have other names in the same order',
    )
  const others = trained.filter((name) => !found.includes(name))
  return {
    columns: found.map((name) => trained.indexOf(name)),
    warnings: others.length === 0 ? [] : [`${facts}: what it says of ${others.join(', ')} is left out`],
  }
}

async function predict(
  settings: EvaluateSettings,
  shards: readonly string[],
  { rows }: Side,
  columns: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const classes = columns.length
  const { arch, imageSize, channels, heads, hasTrainablePositions, device, precision, threads } = settings
  const { mean, std, batchSize, testSide, weights, loaderThreads } = settings
  const headRows = await headRowsOf(settings)
  if (headRows <= Math.max(...columns))
    throw new GyrusError(
      'ERR_GYRUS_WEIGHTS_MISMATCH',
      `${weights} tells ${headRows} classes apart, the images have ${classes}: evaluate it on what it was trained for`,
    )
  await using views = await ViewLoader.open({
    shards,
    imageSize,
    channels,
    mean,
    std,
    threads: loaderThreads,
  })
  await using trainer = await SupervisedTrainer.create(
    {
      arch,
      imageSize,
      channels,
      heads,
      hasTrainablePositions,
      device,
      precision,
      threads,
      batchSize,
      classes: headRows,
    },
    { signal },
  )
  await trainer.load(weights)
  const logits = new Float32Array(rows.length * classes)
  const elements = channels * imageSize ** 2
  for (let first = 0; first < rows.length; first += batchSize) {
    const batch = rows.slice(first, first + batchSize)
    const x = new Float32Array(batch.length * elements)
    await views.plain(batch, x, { side: testSide, signal })
    const all = await trainer.predict(x, { signal })
    batch.forEach((_, at) => {
      const own = columns.map((column) => all[at * headRows + column] ?? NaN)
      logits.set(own, (first + at) * classes)
    })
  }
  return logits
}

/** How many classes the file's classifier tells apart. */
async function headRowsOf({
  arch,
  heads,
  hasTrainablePositions,
  weights,
}: EvaluateSettings): Promise<number> {
  const { classes, form } = await inspectWeights({ arch, heads, hasTrainablePositions }, weights)
  if (classes > 0) return classes
  throw new GyrusError(
    'ERR_GYRUS_WEIGHTS_MISMATCH',
    `${weights} (${form}) has no linear classifier for ${arch}: it is a backbone alone, which finetune ` +
      'trains one for, or of another architecture: name it with arch',
  )
}
