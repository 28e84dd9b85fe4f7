// One fine-tuning: epochs over the training images, the best one on the validation images, and what it says of the test
// images.
import { rm } from 'node:fs/promises'
import { GyrusError, invalidOption, isGyrusError, throwIfAborted } from '../../errors.js'
import { predictedClasses, confusionMatrix, scoresOf } from '../../metrics/confusion.js'
import { logLoss, softmax } from '../../metrics/probabilities.js'
import type { FinetuneSettings } from '../../options/classify.js'
import { learningRateAt, type RatePlan } from '../../run/rate.js'
import { SupervisedTrainer } from '../../supervised-trainer.js'
import { ViewLoader } from '../../view-loader.js'
import type { CellData, Side } from './data.js'
import type { Epoch } from './events.js'
import { mixAt } from './mixup.js'
import type { RunState } from './run-state.js'

export interface CellOutcome {
  /** Of the test images, [n, classes]. */
  readonly logits: Float32Array
  readonly curve: readonly Epoch[]
  readonly bestEpoch: number
  readonly device: string
  readonly precision: string
}

export interface CellOptions {
  /** Where the weights of an epoch go, when it is the best so far. */
  readonly best: (epoch: number) => string
  /** What the run goes on from, and is gone on from. */
  readonly state?: RunState
  readonly signal?: AbortSignal | undefined
}

type StepResult = Awaited<ReturnType<SupervisedTrainer['step']>>

interface StepUnderWay {
  readonly lr: number
  readonly result: Promise<StepResult>
}

const warmupShare = 0.1

/** Yields each epoch as it ends; those of a run that is gone on with are not yielded again. */
export async function* trainCell(
  settings: FinetuneSettings,
  data: CellData,
  options: CellOptions,
): AsyncGenerator<Epoch & { best: number }, CellOutcome> {
  const batchSize = Math.min(settings.batchSize, data.train.rows.length)
  await using views = await openViews(settings, data, batchSize)
  await using trainer = await openTrainer(settings, data, batchSize)
  const before = await options.state?.restore(trainer)
  if (before === undefined && settings.weights !== undefined) await trainer.loadBackbone(settings.weights)
  const cell = new Cell(settings, data, views, trainer, batchSize)
  const curve: Epoch[] = [...(before?.curve ?? [])]
  let best = before === undefined ? undefined : curve[before.bestEpoch - 1]
  const isOver = (): boolean =>
    curve.length >= settings.epochs || (best !== undefined && curve.length - best.epoch >= settings.patience)
  while (!isOver()) {
    const found = await cell.epoch(curve.length + 1, options.signal)
    curve.push(found)
    if (best === undefined || data.val.rows.length === 0 || isBetter(settings, found, best)) {
      best = found
      await trainer.save(options.best(found.epoch))
    }
    if (!isOver()) await options.state?.keep(trainer, { curve, bestEpoch: best.epoch })
    yield { ...found, best: best.epoch }
  }
  await trainer.load(options.best(best?.epoch ?? 0))
  const logits = await cell.predict(data.test, options.signal)
  const { device, precision } = trainer.info
  return { logits, curve, bestEpoch: best?.epoch ?? 0, device, precision }
}

/** Removes the weights that a cell has left. */
export async function dropWeights(path: string): Promise<void> {
  await rm(path, { force: true })
}

function openViews(settings: FinetuneSettings, data: CellData, batchSize: number): Promise<ViewLoader> {
  const { imageSize, channels, mean, std, seed, view, loaderThreads } = settings
  return ViewLoader.open({
    ...{ shards: data.shards, rows: data.train.rows, batchSize, imageSize, channels, mean, std, seed },
    threads: loaderThreads,
    views: [view, view],
  })
}

function openTrainer(
  settings: FinetuneSettings,
  data: CellData,
  batchSize: number,
): Promise<SupervisedTrainer> {
  const { arch, imageSize, channels, heads, hasZeroInitResidual, hasTrainablePositions } = settings
  const { hasFrozenPatchProjection, device, precision, threads, optimizer, seed } = settings
  const { labelSmoothing, layerDecay, dropPath } = settings
  return SupervisedTrainer.create({
    ...{
      arch,
      imageSize,
      channels,
      heads,
      hasZeroInitResidual,
      hasTrainablePositions,
      hasFrozenPatchProjection,
    },
    ...{ device, precision, threads, optimizer, seed, labelSmoothing, layerDecay, dropPath, batchSize },
    classes: data.classes,
    hasMixup: settings.mixup > 0,
    ...classWeightsOf(settings, data),
  })
}

function classWeightsOf(
  { classWeights }: FinetuneSettings,
  { train, classes }: CellData,
): { classWeights?: readonly number[] } {
  if (classWeights === 'none') return {}
  return { classWeights: classWeights === 'balanced' ? balancedWeights(train, classes) : classWeights }
}

/** Before hours are spent: as many weights as there are classes. */
export function checkClassWeights(
  where: string,
  { classWeights }: Pick<FinetuneSettings, 'classWeights'>,
  classes: readonly string[],
): void {
  if (typeof classWeights === 'string' || classWeights.length === classes.length) return
  throw invalidOption(
    `${where}: classWeights`,
    `${classes.length} numbers, of ${classes.join(', ')}`,
    classWeights,
    'range',
  )
}

/** n / (classes n_k), as scikit-learn's 'balanced': the mean over the images is 1. */
export function balancedWeights({ labels }: Side, classes: number): number[] {
  return Array.from({ length: classes }, (_, label) => {
    const own = labels.filter((other) => other === label).length
    return labels.length / (classes * Math.max(1, own))
  })
}

/** By what the settings select; of equals the lower loss. */
export function isBetter({ selectBy }: FinetuneSettings, found: Epoch, best: Epoch): boolean {
  const score = ({ valAccuracy = 0, valF1 = 0, valLoss = Infinity }: Epoch): number =>
    selectBy === 'accuracy' ? valAccuracy : selectBy === 'f1' ? valF1 : -valLoss
  const [now, before] = [score(found), score(best)]
  return now > before || (now === before && (found.valLoss ?? 0) < (best.valLoss ?? 0))
}

/** Says what to do about a loss that is not finite; any other error is returned as it is. */
function diverged(error: unknown, epoch: number, lr: number): unknown {
  if (!isGyrusError(error) || error.code !== 'ERR_GYRUS_NON_FINITE') return error
  return new GyrusError(
    'ERR_GYRUS_NON_FINITE',
    `epoch ${epoch}, at a learning rate of ${lr.toPrecision(3)}: ${error.message}; lower lr, or lengthen warmupEpochs`,
    { cause: error },
  )
}

async function resultOf({ result, lr }: StepUnderWay, epoch: number): Promise<StepResult> {
  try {
    return await result
  } catch (error) {
    throw diverged(error, epoch, lr)
  }
}

class Cell {
  readonly #settings: FinetuneSettings
  readonly #data: CellData
  readonly #views: ViewLoader
  readonly #trainer: SupervisedTrainer
  readonly #plan: RatePlan
  readonly #batchSize: number
  /** Of batches: one that computes, one that waits, so that a device can take it already, and one that is made. */
  readonly #buffers: readonly [Float32Array, Float32Array, Float32Array]

  constructor(
    settings: FinetuneSettings,
    data: CellData,
    views: ViewLoader,
    trainer: SupervisedTrainer,
    batchSize: number,
  ) {
    this.#settings = settings
    this.#data = data
    this.#views = views
    this.#trainer = trainer
    this.#batchSize = batchSize
    const { stepsPerEpoch } = views.info
    const steps = settings.epochs * stepsPerEpoch
    const warmupEpochs = settings.warmupEpochs ?? warmupShare * settings.epochs
    this.#plan = {
      steps,
      warmupSteps: Math.min(steps, Math.round(warmupEpochs * stepsPerEpoch)),
      peakLr: settings.lr,
    }
    const elements = batchSize * settings.channels * settings.imageSize ** 2
    this.#buffers = [new Float32Array(elements), new Float32Array(elements), new Float32Array(elements)]
  }

  /** Counts from 1. While a step computes, the next waits for it, and the batch of the one after is made. */
  async epoch(epoch: number, signal: AbortSignal | undefined): Promise<Epoch> {
    const { stepsPerEpoch } = this.#views.info
    const first = (epoch - 1) * stepsPerEpoch
    const end = first + stepsPerEpoch
    const steps: StepResult[] = []
    const drawn = [first, first + 1].filter((step) => step < end).map((step) => this.#draw(step))
    let underWay: StepUnderWay | undefined
    let lr = 0
    try {
      for (let step = first; step < end; step += 1) {
        throwIfAborted(signal)
        const labels = await (drawn.shift() ?? this.#draw(step))
        lr = learningRateAt(step, this.#plan, 0)
        const before = underWay
        underWay = { lr, result: this.#step(step, labels, lr) }
        if (before !== undefined) steps.push(await resultOf(before, epoch))
        if (step + 2 < end) drawn.push(this.#draw(step + 2))
      }
      if (underWay !== undefined) steps.push(await resultOf(underWay, epoch))
    } finally {
      await Promise.allSettled([underWay?.result, ...drawn])
    }
    const loss = steps.reduce((sum, step) => sum + step.loss, 0)
    const hits = steps.reduce((sum, step) => sum + step.hits, 0)
    const means = { epoch, loss: loss / stepsPerEpoch, trainAccuracy: hits / stepsPerEpoch, lr }
    return { ...means, ...(await this.#validate(signal)) }
  }

  #step(step: number, labels: Int32Array, lr: number): Promise<StepResult> {
    const mix = mixAt(this.#settings.mixup, this.#settings.seed, step)
    const result = this.#trainer.step(this.#bufferOf(step), labels, { lr, mix })
    result.catch(() => undefined) // reported in its turn
    return result
  }

  async #validate(signal: AbortSignal | undefined): Promise<Partial<Epoch>> {
    const { val, classes } = this.#data
    if (val.rows.length === 0) return {}
    const logits = await this.predict(val, signal)
    const scores = scoresOf(confusionMatrix(val.labels, predictedClasses(logits, classes), classes))
    return {
      valLoss: logLoss(softmax(logits, classes), val.labels, classes),
      valAccuracy: scores.accuracy,
      valF1: scores.f1,
    }
  }

  /** Logits of images as they are tested: the middle, not mirrored. */
  async predict({ rows }: Side, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { classes } = this.#data
    const { testSide, channels, imageSize } = this.#settings
    const elements = channels * imageSize ** 2
    const logits = new Float32Array(rows.length * classes)
    for (let first = 0; first < rows.length; first += this.#batchSize) {
      throwIfAborted(signal)
      const batch = rows.slice(first, first + this.#batchSize)
      const x = new Float32Array(batch.length * elements)
      await this.#views.plain(batch, x, { side: testSide })
      logits.set(await this.#trainer.predict(x), first * classes)
    }
    return logits
  }

  #bufferOf(step: number): Float32Array {
    const [first, second, third] = this.#buffers
    return step % 3 === 0 ? first : step % 3 === 1 ? second : third
  }

  /** Fills the step's buffer and tells the classes of its images. */
  #draw(step: number): Promise<Int32Array> {
    const drawn = this.#views.fillFirst(step, this.#bufferOf(step)).then(() => this.#labelsOf(step))
    drawn.catch(() => undefined) // reported when the step wants it
    return drawn
  }

  async #labelsOf(step: number): Promise<Int32Array> {
    const rows = await this.#views.rowsOf(step)
    return Int32Array.from(rows, (row) => this.#data.labelOfRow.get(row) ?? -1)
  }
}
