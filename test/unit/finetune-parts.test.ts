// Parts of fine-tuning that need no engine: weights of classes, mixup, progress, cells of a comparison.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compareSettings } from '../../lib/options/classify.js'
import { parseOptions } from '../../lib/options/parse.js'
import { CellStore, cellsOf, type CellResult } from '../../lib/tasks/classify/cells.js'
import { mixAt } from '../../lib/tasks/classify/mixup.js'
import { preparing } from '../../lib/tasks/classify/preparing.js'
import { summarize } from '../../lib/tasks/classify/report/summary.js'
import { balancedWeights } from '../../lib/tasks/classify/train-cell.js'
import { consume } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'

void t.test('balanced weights are those of scikit-learn', (t) => {
  // compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 0, 0, 0, 1, 1, 2, 2]): 8 / (3 x 4), 8 / (3 x 2), again.
  const side = { rows: new Uint32Array(8), labels: Int32Array.of(0, 0, 0, 0, 1, 1, 2, 2) }
  t.same(balancedWeights(side, 3), [8 / 12, 8 / 6, 8 / 6])
  t.end()
})

void t.test('mixup draws from Beta(alpha, alpha)', (t) => {
  t.equal(mixAt(0, 1, 2), 1, 'none')
  for (const alpha of [0.2, 1, 4]) {
    const draws = Array.from({ length: 4000 }, (_, step) => mixAt(alpha, 3, step))
    t.ok(draws.every((value) => value >= 0 && value <= 1))
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length
    const wanted = 1 / (4 * (2 * alpha + 1))
    t.ok(Math.abs(mean - 0.5) < 0.03, `alpha ${alpha}: mean ${mean}`)
    t.ok(Math.abs(variance / wanted - 1) < 0.08, `alpha ${alpha}: variance ${variance}, not ${wanted}`)
  }
  t.equal(mixAt(0.4, 3, 7), mixAt(0.4, 3, 7))
  t.not(mixAt(0.4, 3, 7), mixAt(0.4, 4, 7))
  t.end()
})

void t.test('progress of what is prepared', async (t) => {
  const work = async (onProgress: (done: number, total: number) => void): Promise<string> => {
    for (let done = 1; done <= 50; done += 1) {
      onProgress(done, 50)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return 'made'
  }
  const run = preparing(undefined, ({ onProgress }) => work(onProgress))
  const events: { done: number }[] = []
  let end = await run.next()
  for (; end.done !== true; end = await run.next()) events.push(end.value)
  t.equal(end.value, 'made')
  t.equal(events.at(-1)?.done, 50, 'the last is always told')
  t.ok(events.length < 50, `${events.length} of 50: not each one`)
  await t.rejects(consume(preparing(undefined, () => Promise.reject(new Error('no')))), { message: 'no' })
})

void t.test('who leaves ends the work, and waits for its end', async (t) => {
  const told: string[] = []
  const run = preparing(undefined, async ({ onProgress, signal }) => {
    onProgress(1, 9)
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve)
    })
    told.push('ended')
  })
  await run.next()
  await run.return(undefined)
  t.same(told, ['ended'])
})

const config = {
  data: 'd',
  out: 'o',
  arms: [{ name: 'a b' }, { name: 'a_b' }, { name: 'w', weights: 'w.safetensors', lr: 0.1 }],
  seeds: [3, 4],
  labelFractions: [0.07, 0.071, 1],
}
const cells = cellsOf(parseOptions(compareSettings, 'test', config))
const result: CellResult = {
  ...{ arm: 'a b', seed: 3, labelFraction: 1, trained: 2, logits: [1, 0], curve: [], bestEpoch: 1 },
  ...{ device: 'cpu', precision: 'f32', seconds: 1 },
}

void t.test('cells and their files', async (t) => {
  t.equal(cells.length, 18)
  t.equal(new Set(cells.map(({ name }) => name)).size, 18, 'each has a name of its own')
  t.equal(cells[1]?.name, 'a b, seed 3, 7.1 % of the labels')
  t.equal(cells.at(-1)?.settings.lr, 0.1, "an arm's own setting")
  const out = t.testdir()
  writeFileSync(join(out, 'w.safetensors'), 'one')
  const own = cells.map((cell) => {
    const { weights } = cell.settings
    return weights === undefined
      ? cell
      : { ...cell, settings: { ...cell.settings, weights: join(out, weights) } }
  })
  const store = new CellStore(out, 'images')
  for (const cell of own) await store.write(cell, { ...result, arm: cell.name })
  t.equal(readdirSync(join(out, 'cells')).length, 18, 'and a file of its own')
  for (const cell of own) t.equal((await store.read(cell))?.arm, cell.name)
  const [first, last] = [own[0], own.at(-1)]
  if (first === undefined || last === undefined) throw new Error('no cells')
  t.equal(await new CellStore(out, 'other images').read(first), undefined)
  const faster = { ...first, settings: { ...first.settings, threads: 7, cache: 'elsewhere' } }
  t.ok(await store.read(faster), 'what changes nothing but the speed')
  t.equal(await store.read({ ...first, settings: { ...first.settings, epochs: 3 } }), undefined)
  writeFileSync(join(out, 'w.safetensors'), 'two')
  const later = new CellStore(out, 'images')
  t.equal(await later.read(last), undefined, 'other weights')
  t.ok(await later.read(first), 'and only their arms')
  const gone = { ...last, settings: { ...last.settings, weights: join(out, 'gone') } }
  const error = await rejection(t, later.read(gone), 'ERR_GYRUS_FILE_NOT_FOUND')
  t.match(error.message, /the weights .*gone cannot be read/)
})

/** An arm whose seed s is right on the first `right[s]` of 20 images. */
function runsOf(arm: string, right: readonly number[]): CellResult[] {
  return right.map((count, seed) => ({
    ...result,
    arm,
    seed,
    logits: Array.from({ length: 20 }, (_, at) => (at < count === (at % 2 === 0) ? [1, 0] : [0, 1])).flat(),
  }))
}

void t.test('verdicts are no stronger than the tests', (t) => {
  const options = {
    ...{ labels: Int32Array.from({ length: 20 }, (_, at) => at % 2), classes: 2 },
    ...{ reference: 'base', replicates: 50, confidence: 0.95 },
  }
  const verdictsOf = (...results: CellResult[][]): (string | undefined)[] =>
    summarize(results.flat(), options).map(({ verdict }) => verdict)
  const base = runsOf('base', [10, 11, 10, 12, 11])
  const [none, clear, unclear] = verdictsOf(
    base,
    runsOf('up', [15, 16, 16, 17, 17]),
    runsOf('so', [12, 11, 11, 11, 12]),
  )
  t.equal(none, undefined, 'nothing of the reference')
  t.match(clear, /^up is 27\.0 points of accuracy ahead of base \(5 seeds, paired t: p = .* by Holm for 2 /)
  t.match(
    unclear,
    /^so is 3\.0 points of accuracy ahead of base, but this is not settled .*: not shown to be ahead$/,
  )
  t.match(verdictsOf(base, runsOf('down', [5, 6, 6, 7, 7]))[1], /behind base \(5 seeds/)
  t.match(
    verdictsOf(base, runsOf('same', [11, 10, 11, 12, 10]))[1],
    /as accurate as base on average over 5 seeds/,
  )
  t.match(
    verdictsOf(runsOf('base', [10, 10, 10]), runsOf('even', [14, 14, 14]))[1],
    /^even is 20\.0 points .* all by the same amount, .*\(right alone on 4 test images against 0, .*: p = 0\.13\)$/,
  )
  t.match(
    verdictsOf(runsOf('base', [10]), runsOf('one', [20]))[1],
    /with the one seed that was run .* p = 0\.0020\)/,
  )
  const [row] = summarize(base, options)
  t.equal(row?.mean.accuracy, 0.54)
  t.ok(Math.abs((row?.deviation.accuracy ?? 0) - 0.04183300132670378) < 1e-12, 'n - 1 below the line')
  t.end()
})
