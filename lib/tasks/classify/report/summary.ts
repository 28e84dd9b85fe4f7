// A comparison's figures: of each arm and label fraction the means over its seeds with intervals, and the
// differences to the reference arm, seed by seed. Nothing is called better that its seeds do not bear out.
import type { Interval } from '../../../metrics/bootstrap.js'
import { confusionMatrix, predictedClasses, type Confusion } from '../../../metrics/confusion.js'
import { pairedTest, type PairedTest } from '../../../metrics/paired.js'
import type { CellResult } from '../cells.js'
import { scoreNames, type ScoreName, type TestFigures } from '../events.js'
import { figuresOf, intervalsOf } from '../figures.js'

export interface Row {
  readonly arm: string
  readonly labelFraction: number
  /** Training images, on average over the seeds. */
  readonly trained: number
  readonly seeds: readonly number[]
  readonly perSeed: readonly TestFigures[]
  readonly mean: Readonly<Record<ScoreName, number>>
  /** Standard deviation over the seeds; NaN of one. */
  readonly deviation: Readonly<Record<ScoreName, number>>
  /** By drawing test images again, the same for all seeds. */
  readonly interval: Readonly<Record<ScoreName, Interval>>
  readonly auroc: number | undefined
  readonly ece: number
  /** Of all seeds together. */
  readonly confusion: Confusion
  /** To the reference arm of the same fraction; undefined for itself. */
  readonly difference?: Readonly<Record<ScoreName, PairedTest>>
  readonly verdict?: string
}

export interface SummaryOptions {
  readonly labels: Int32Array
  readonly classes: number
  readonly reference: string
  readonly replicates: number
  readonly confidence: number
}

export function summarize(results: readonly CellResult[], options: SummaryOptions): Row[] {
  const groups = new Map<string, CellResult[]>()
  for (const result of results) {
    const key = JSON.stringify([result.arm, result.labelFraction])
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  const rows = [...groups.values()].map((group) => rowOf(group, options))
  return rows.map((row) => {
    const reference = rows.find(
      ({ arm, labelFraction }) => arm === options.reference && labelFraction === row.labelFraction,
    )
    return reference === undefined || reference === row ? row : compared(row, reference, options)
  })
}

function rowOf(group: readonly CellResult[], options: SummaryOptions): Row {
  const { labels, classes } = options
  const runs = group.map(({ logits }) => Float32Array.from(logits))
  const perSeed = runs.map((logits) => figuresOf(logits, labels, classes))
  const predicted = runs.map((logits) => predictedClasses(logits, classes))
  const areas = perSeed.map(({ auroc }) => auroc)
  const [first] = group
  return {
    arm: first?.arm ?? '',
    labelFraction: first?.labelFraction ?? 1,
    trained: mean(group.map(({ trained }) => trained)),
    seeds: group.map(({ seed }) => seed),
    perSeed,
    mean: eachScore((name) => mean(perSeed.map((figures) => figures[name]))),
    deviation: eachScore((name) => deviation(perSeed.map((figures) => figures[name]))),
    interval: intervalsOf(predicted, labels, classes, options),
    auroc: areas.includes(undefined) ? undefined : mean(areas.map((area) => area ?? NaN)),
    ece: mean(perSeed.map(({ calibration }) => calibration.ece)),
    confusion: predicted
      .map((own) => confusionMatrix(labels, own, classes))
      .reduce((sum, own) => sum.map((row, truth) => row.map((count, at) => count + (own[truth]?.[at] ?? 0)))),
  }
}

function compared(row: Row, reference: Row, { confidence }: SummaryOptions): Row {
  const shared = row.seeds.filter((seed) => reference.seeds.includes(seed))
  const figures = (of: Row, name: ScoreName): number[] =>
    shared.map((seed) => of.perSeed[of.seeds.indexOf(seed)]?.[name] ?? NaN)
  const difference = eachScore((name) => pairedTest(figures(row, name), figures(reference, name), confidence))
  return { ...row, difference, verdict: verdictOf(row, reference, difference.accuracy, confidence) }
}

const points = (value: number): string => `${(100 * Math.abs(value)).toFixed(1)} points`

/** In words, and no stronger than the test allows. */
function verdictOf(row: Row, reference: Row, test: PairedTest, confidence: number): string {
  const share =
    row.labelFraction === 1 ? '' : ` with ${+(100 * row.labelFraction).toPrecision(3)} % of the labels`
  const pair = `${row.arm} ${points(test.meanDifference)} of accuracy`
  const p = `paired t: p = ${test.t.toPrecision(2)}; exact sign flips: p = ${test.permutation.toPrecision(2)}`
  if (test.n < 2) return `${row.arm}${share}: one seed says nothing about ${reference.arm}; run several`
  if (test.meanDifference === 0)
    return `${row.arm}${share} is not ahead of ${reference.arm}: both are as accurate`
  const where = test.meanDifference > 0 ? 'ahead of' : 'behind'
  if (Number.isNaN(test.t))
    return `${pair} ${where} ${reference.arm}${share} for every one of ${test.n} seeds alike`
  if (test.t < 1 - confidence) return `${pair} ${where} ${reference.arm}${share} (${test.n} seeds; ${p})`
  return `${pair} ${where} ${reference.arm}${share}, but ${test.n} seeds do not settle it (${p}): not shown to be ${
    test.meanDifference > 0 ? 'ahead' : 'behind'
  }`
}

function eachScore<Value>(value: (name: ScoreName) => Value): Record<ScoreName, Value> {
  return Object.fromEntries(scoreNames.map((name) => [name, value(name)])) as Record<ScoreName, Value>
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function deviation(values: readonly number[]): number {
  const center = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1))
}
