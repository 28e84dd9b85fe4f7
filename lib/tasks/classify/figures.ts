// From a test's logits to its figures.
import { macroAuroc, sampledAuroc } from '../../metrics/auroc.js'
import { bootstrap, type Interval } from '../../metrics/bootstrap.js'
import { calibrationOf } from '../../metrics/calibration.js'
import { confusionMatrix, predictedClasses, scoresOf, type Confusion } from '../../metrics/confusion.js'
import { logLoss, softmax } from '../../metrics/probabilities.js'
import { scoreNames, type Report, type ScoreName, type TestFigures } from './events.js'

export function figuresOf(logits: Float32Array, labels: Int32Array, classes: number): TestFigures {
  const probabilities = softmax(logits, classes)
  const confusion = confusionMatrix(labels, predictedClasses(logits, classes), classes)
  return {
    ...scoresOf(confusion),
    auroc: macroAuroc(probabilities, labels, classes),
    loss: logLoss(probabilities, labels, classes),
    calibration: calibrationOf(probabilities, labels, classes),
    confusion,
    count: labels.length,
  }
}

interface Sampling {
  readonly replicates: number
  readonly confidence: number
}

export function reportOf(
  logits: Float32Array,
  labels: Int32Array,
  classes: number,
  sampling: Sampling,
): Report {
  const intervals = intervalsOf([predictedClasses(logits, classes)], labels, classes, sampling)
  const figures = figuresOf(logits, labels, classes)
  const area = figures.auroc === undefined ? undefined : aurocIntervalOf([logits], labels, classes, sampling)
  return { ...figures, intervals, ...(area === undefined ? {} : { aurocInterval: area }) }
}

/** Of the mean over several runs, as intervalsOf. Samples without one of the classes have no area and are left out. */
export function aurocIntervalOf(
  runs: readonly Float32Array[],
  labels: Int32Array,
  classes: number,
  sampling: Sampling,
): Interval {
  const areas = runs.map((logits) => sampledAuroc(softmax(logits, classes), labels, classes))
  const counts = new Int32Array(labels.length)
  const measure = (rows: Int32Array): number[] => {
    counts.fill(0)
    for (const row of rows) counts[row] = (counts[row] ?? 0) + 1
    return [areas.reduce((sum, area) => sum + area(counts), 0) / areas.length]
  }
  return bootstrap(labels.length, measure, { ...sampling })[0] ?? { low: NaN, high: NaN }
}

/** Of the mean over several runs' predictions of the same images: the same images are drawn for all of them. */
export function intervalsOf(
  runs: readonly Int32Array[],
  labels: Int32Array,
  classes: number,
  sampling: Sampling,
): Record<ScoreName, Interval> {
  const measure = (rows: Int32Array): number[] => {
    const scores = runs.map((predicted) => scoresOf(sampledConfusion(rows, labels, predicted, classes)))
    return scoreNames.map((name) => scores.reduce((sum, own) => sum + own[name], 0) / scores.length)
  }
  const intervals = bootstrap(labels.length, measure, { ...sampling })
  return Object.fromEntries(
    scoreNames.map((name, at) => [name, intervals[at] ?? { low: NaN, high: NaN }]),
  ) as Record<ScoreName, Interval>
}

function sampledConfusion(
  rows: Int32Array,
  labels: Int32Array,
  predicted: Int32Array,
  classes: number,
): Confusion {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (const row of rows) {
    const own = counts[labels[row] ?? 0]
    const found = predicted[row] ?? 0
    if (own !== undefined) own[found] = (own[found] ?? 0) + 1
  }
  return counts
}
