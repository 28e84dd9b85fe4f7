// A comparison's figures: of each arm and label fraction the means over its seeds with intervals, and the
// differences to the reference arm, seed by seed. Nothing is called better that its seeds do not bear out.
import { confusionMatrix, predictedClasses } from '../../../metrics/confusion.js'
import { holm, mcnemar, pairedTest, type PairedTest } from '../../../metrics/paired.js'
import { shareOfLabels, type CellResult } from '../cells.js'
import { scoreNames, type ComparisonRow as Row, type ScoreName } from '../events.js'
import { aurocIntervalOf, figuresOf, intervalsOf } from '../figures.js'

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
    const key = keyOf(result)
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  const rows = [...groups.values()].map((group) => rowOf(group, options))
  const referenceOf = (row: Row): Row | undefined =>
    row.arm === options.reference
      ? undefined
      : rows.find(
          ({ arm, labelFraction }) => arm === options.reference && labelFraction === row.labelFraction,
        )
  const tested = rows.map((row) => {
    const reference = referenceOf(row)
    return reference === undefined ? row : compared(row, reference, groups, options)
  })
  const due = tested.filter(({ difference }) => Number.isFinite(difference?.accuracy.t))
  const corrected = holm(due.map(({ difference }) => difference?.accuracy.t ?? NaN))
  return tested.map((row) => {
    const at = due.indexOf(row)
    const own = corrected[at]
    const whole = own === undefined ? row : { ...row, holm: own }
    const verdict = verdictOf(whole, options, due.length)
    return verdict === undefined ? whole : { ...whole, verdict }
  })
}

const keyOf = ({ arm, labelFraction }: { arm: string; labelFraction: number }): string =>
  JSON.stringify([arm, labelFraction])

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
    ...(first?.lr === undefined ? {} : { lrs: group.map(({ lr = NaN }) => lr) }),
    perSeed,
    mean: eachScore((name) => mean(perSeed.map((figures) => figures[name]))),
    deviation: eachScore((name) => deviation(perSeed.map((figures) => figures[name]))),
    interval: intervalsOf(predicted, labels, classes, options),
    ...(areas.includes(undefined)
      ? { auroc: undefined }
      : {
          auroc: mean(areas.map((area) => area ?? NaN)),
          aurocInterval: aurocIntervalOf(runs, labels, classes, options),
        }),
    ece: mean(perSeed.map(({ calibration }) => calibration.ece)),
    confusion: predicted
      .map((own) => confusionMatrix(labels, own, classes))
      .reduce((sum, own) => sum.map((row, truth) => row.map((count, at) => count + (own[truth]?.[at] ?? 0)))),
  }
}

function compared(
  row: Row,
  reference: Row,
  groups: ReadonlyMap<string, readonly CellResult[]>,
  options: SummaryOptions,
): Row {
  const shared = row.seeds.filter((seed) => reference.seeds.includes(seed))
  const figures = (of: Row, name: ScoreName): number[] =>
    shared.map((seed) => of.perSeed[of.seeds.indexOf(seed)]?.[name] ?? NaN)
  const difference = eachScore((name) =>
    pairedTest(figures(row, name), figures(reference, name), options.confidence),
  )
  const isRight = (of: Row): boolean[] => {
    const logits = groups.get(keyOf(of))?.find(({ seed }) => seed === shared[0])?.logits ?? []
    const predicted = predictedClasses(Float32Array.from(logits), options.classes)
    return Array.from(options.labels, (label, at) => predicted[at] === label)
  }
  const [own, other] = [isRight(row), isRight(reference)]
  const onlyOwn = own.filter((right, at) => right && other[at] === false).length
  const onlyReference = other.filter((right, at) => right && own[at] === false).length
  return { ...row, difference, images: { onlyOwn, onlyReference, p: mcnemar(onlyOwn, onlyReference) } }
}

const points = (value: number): string => `${(100 * Math.abs(value)).toFixed(1)} points`
const inWords = (p: number): string =>
  Number.isNaN(p) ? '1' : p < 1e-4 ? p.toExponential(0) : p.toPrecision(2)

/** In words, and no stronger than the tests allow. `tests`: how many comparisons the table makes. */
function verdictOf(row: Row, { reference, confidence }: SummaryOptions, tests: number): string | undefined {
  const test: PairedTest | undefined = row.difference?.accuracy
  if (test === undefined || row.images === undefined) return undefined
  const name = `${row.arm}${shareOfLabels(row.labelFraction, ' with ')}`
  const { meanDifference, n, t, permutation } = test
  const { onlyOwn, onlyReference } = row.images
  const byImages =
    `right alone on ${onlyOwn} test images against ${onlyReference}, ` +
    `McNemar's exact test: p = ${inWords(row.images.p)}`
  if (n > 1 && meanDifference === 0)
    return `${name} is as accurate as ${reference} on average over ${n} seeds`
  const gap =
    meanDifference === 0
      ? `${name} is as accurate as ${reference}`
      : `${name} is ${points(meanDifference)} of accuracy ${meanDifference > 0 ? 'ahead of' : 'behind'} ${reference}`
  if (n < 2) return `${gap} with the one seed that was run (${byImages}): run several to see what chance does`
  if (row.holm === undefined)
    return `${gap} with every one of ${n} seeds, all by the same amount, so that seeds tell nothing more (${byImages})`
  const correction = tests > 1 ? ` (${inWords(row.holm)} by Holm for ${tests} comparisons)` : ''
  const p = `${n} seeds, paired t: p = ${inWords(t)}${correction}; exact sign flips: p = ${inWords(permutation)}`
  if (row.holm < 1 - confidence) return `${gap} (${p})`
  return `${gap}, but this is not settled (${p}): not shown to be ${meanDifference > 0 ? 'ahead' : 'behind'}`
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
