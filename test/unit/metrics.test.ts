// lib/metrics against scikit-learn and SciPy (test/goldens/metrics.py), and what they cannot say.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { binaryAuroc, macroAuroc, sampledAuroc } from '../../lib/metrics/auroc.js'
import { bootstrap, quantile } from '../../lib/metrics/bootstrap.js'
import { calibrationOf } from '../../lib/metrics/calibration.js'
import { balancedAccuracy, confusionMatrix, predictedClasses, scoresOf } from '../../lib/metrics/confusion.js'
import { holm, mcnemar, pairedTest, signFlip } from '../../lib/metrics/paired.js'
import { logLoss, softmax } from '../../lib/metrics/probabilities.js'
import { studentTail } from '../../lib/metrics/student.js'
import { aurocIntervalOf, reportOf } from '../../lib/tasks/classify/figures.js'

interface Golden {
  tables: {
    name: string
    classes: number
    labels: number[]
    counts: number[][]
    confusion: number[][]
    accuracy: number
    macroPrecision: number
    macroRecall: number
    f1: number
    macroF1: number
    auroc: number | null
    logLoss: number
    ece: number
  }[]
  pairs: {
    a: number[]
    b: number[]
    t: number
    low: number
    high: number
    permutation: number
    wilcoxon: number
  }[]
  student: [number, number, number][]
  mcnemar: [number, number, number][]
}
// From dist/test/unit/ to the source tree.
const path = new URL('../../../test/goldens/metrics.json', import.meta.url)
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden

function close(t: Test, found: number | undefined, wanted: number, name: string): void {
  const isClose = found !== undefined && Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted))
  t.ok(isClose, `${name}: ${found}, not ${wanted}`)
}

for (const table of golden.tables) {
  void t.test(table.name, (t) => {
    const { classes } = table
    const labels = Int32Array.from(table.labels)
    const probabilities = Float64Array.from(
      table.counts.flatMap((row) => {
        const total = row.reduce((sum, count) => sum + count, 0)
        return row.map((count) => count / total)
      }),
    )
    const matrix = confusionMatrix(labels, predictedClasses(probabilities, classes), classes)
    t.same(matrix, table.confusion)
    const scores = scoresOf(matrix)
    for (const name of ['accuracy', 'macroPrecision', 'macroRecall', 'f1', 'macroF1'] as const)
      close(t, scores[name], table[name], name)
    const area = macroAuroc(probabilities, labels, classes)
    if (table.auroc === null) t.equal(area, undefined, 'no area without every class')
    else close(t, area, table.auroc, 'auroc')
    const once = sampledAuroc(probabilities, labels, classes)(new Int32Array(labels.length).fill(1))
    if (table.auroc === null) t.ok(Number.isNaN(once))
    else close(t, once, table.auroc, 'auroc of every row once')
    close(t, logLoss(probabilities, labels, classes), table.logLoss, 'log loss')
    const { ece, bins } = calibrationOf(probabilities, labels, classes)
    close(t, ece, table.ece, 'ece')
    t.equal(
      bins.reduce((sum, { count }) => sum + count, 0),
      labels.length,
      'every row is in a bin',
    )
    t.end()
  })
}

void t.test('paired tests', (t) => {
  for (const pair of golden.pairs) {
    const found = pairedTest(pair.a, pair.b)
    close(t, found.t, pair.t, 't')
    close(t, found.interval.low, pair.low, 'low')
    close(t, found.interval.high, pair.high, 'high')
    close(t, found.permutation, pair.permutation, 'permutation')
    close(t, found.wilcoxon, pair.wilcoxon, 'wilcoxon')
  }
  for (const [value, freedom, tail] of golden.student)
    close(t, studentTail(value, freedom), tail, `t ${value}`)
  for (const [a, b, p] of golden.mcnemar) close(t, mcnemar(a, b), p, `mcnemar ${a} ${b}`)
  const one = pairedTest([0.5], [0.4])
  t.ok(Number.isNaN(one.t) && Number.isNaN(one.permutation), 'one pair says nothing')
  t.ok(Number.isNaN(pairedTest([1, 1], [1, 1]).t), 'no difference anywhere')
  // 0.05 more each, but not to the last bit: rounding is no spread.
  const even = pairedTest([0.15, 0.35, 0.95], [0.1, 0.3, 0.9])
  t.ok(Number.isNaN(even.t), `t of equal differences: ${even.t}`)
  t.ok(even.interval.high - even.interval.low < 1e-12)
  t.throws(() => pairedTest([1, 2], [1]), RangeError)
  const many = Array.from({ length: 24 }, (_, at) => ((at * 7) % 5) - 1)
  const p = signFlip(many)
  t.ok(p > 0.001 && p < 0.05, `drawn signs: ${p}`)
  t.equal(signFlip(many), p, 'the same draws again')
  t.end()
})

void t.test("Holm's correction", (t) => {
  // By hand: 4 x 0.005, then 3 x 0.01, then 2 x 0.03, and 0.04 raised to the one before.
  const found = holm([0.01, 0.04, 0.03, 0.005])
  for (const [at, wanted] of [0.03, 0.06, 0.06, 0.02].entries()) close(t, found[at], wanted, `p ${at}`)
  t.same(holm([0.9, 0.8]), [1, 1])
  t.same(holm([0.2]), [0.2])
  t.same(holm([]), [])
  t.end()
})

void t.test('the bootstrap', (t) => {
  const values = Array.from({ length: 200 }, (_, at) => Math.sin(at * 12.9898) * 10)
  const mean = (rows: Int32Array): number[] => [
    rows.reduce((sum, row) => sum + (values[row] ?? 0), 0) / rows.length,
  ]
  const [interval] = bootstrap(values.length, mean, { seed: 1 })
  t.same(bootstrap(values.length, mean, { seed: 1 }), [interval], 'a function of the seed')
  t.notSame(bootstrap(values.length, mean, { seed: 2 }), [interval])
  // The normal approximation of the mean's error: 1.96 standard deviations over the root of 200.
  const center = values.reduce((sum, value) => sum + value, 0) / 200
  const error = Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0)) / 200
  const { low = NaN, high = NaN } = interval ?? {}
  t.ok(Math.abs(high - low - 2 * 1.96 * error) < 0.12 * (high - low), `${low} to ${high}`)
  t.equal(quantile([1, 2, 4], 0.75), 3)
  t.end()
})

void t.test('edges', (t) => {
  t.equal(binaryAuroc([1, 2], [true, true]), undefined)
  t.equal(binaryAuroc([1, 1], [true, false]), 0.5)
  t.throws(() => confusionMatrix(Int32Array.of(3), Int32Array.of(0), 3), RangeError)
  const [low = NaN, high = NaN] = softmax(Float32Array.of(-1000, 1000), 2)
  t.same([low, high], [0, 1])
  t.end()
})

void t.test('balanced accuracy asks about the classes that there are', (t) => {
  const matrix = confusionMatrix(Int32Array.of(0, 0, 0, 0, 1, 1), Int32Array.of(0, 0, 0, 2, 1, 0), 3)
  t.equal(balancedAccuracy(matrix), (3 / 4 + 1 / 2) / 2, 'class 2 was found, and is not there')
  t.end()
})

void t.test('the interval of an AUROC is that of samples drawn again', (t) => {
  const classes = 3
  const labels = Int32Array.from({ length: 40 }, (_, row) => (row * 7) % classes)
  // Coarse scores, so that there are equal ones; the right class is ahead by some.
  const logits = Float32Array.from({ length: labels.length * classes }, (_, at) =>
    Math.round(3 * Math.sin(at * 1.7) + (labels[Math.floor(at / classes)] === at % classes ? 2 : 0)),
  )
  const probabilities = softmax(logits, classes)
  const sampling = { replicates: 300, confidence: 0.9 }
  const [wanted] = bootstrap(
    labels.length,
    (rows) => {
      const drawn = Float64Array.from({ length: rows.length * classes }, (_, at) => {
        const row = rows[Math.floor(at / classes)] ?? 0
        return probabilities[row * classes + (at % classes)] ?? NaN
      })
      return [
        macroAuroc(
          drawn,
          rows.map((row) => labels[row] ?? 0),
          classes,
        ) ?? NaN,
      ]
    },
    sampling,
  )
  const found = aurocIntervalOf([logits], labels, classes, sampling)
  close(t, found.low, wanted?.low ?? NaN, 'low')
  close(t, found.high, wanted?.high ?? NaN, 'high')
  const { auroc, aurocInterval } = reportOf(logits, labels, classes, sampling)
  t.same(aurocInterval, found)
  t.ok(auroc !== undefined && found.low < auroc && auroc < found.high && found.high < 1)
  const lone = reportOf(logits.subarray(0, 3), labels.subarray(0, 1), classes, sampling)
  t.same([lone.auroc, lone.aurocInterval], [undefined, undefined])
  t.end()
})
