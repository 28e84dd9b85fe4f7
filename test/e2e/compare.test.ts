// `gyrus compare`: cells that are made once, through kills and changes, and a report whose parts agree with them.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { compare, Encoder } from '../../lib/index.js'
import type { CompareConfig, CompareEvent } from '../../lib/index.js'
import { cli, gyrus, gyrusInterrupted, jsonLines } from '../support/cli.js'
import { classNames, consume, quick, withoutPictures, writeClassFolder } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'

const folder = t.testdir()
const data = await writeClassFolder(join(folder, 'set'), { counts: { train: 16, test: 8 }, wrong: 1 })
const weights = join(folder, 'brain.safetensors')

async function writeWeights(path: string, seed: number): Promise<void> {
  await using encoder = await Encoder.load({ arch: 'resnet18', imageSize: 32, channels: 3, seed, threads: 1 })
  await encoder.save(path)
}
await writeWeights(weights, 7)

const settings = { ...quick, data, cache: join(folder, 'cache'), epochs: 2 }
const arms = [
  { name: 'random' },
  { name: 'brain SSL', weights },
  { name: 'probe', weights, method: 'linear' as const },
]
const config: CompareConfig = { ...settings, out: '', arms, seeds: [0, 1], labelFractions: [0.5, 1] }
const whole = join(folder, 'whole')
const file = join(folder, 'compare.yaml')

/** The configuration as YAML, by hand. */
function toYaml({ arms: list, ...rest }: CompareConfig): string {
  const lines = Object.entries(rest).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  const ofArm = (arm: object): string =>
    Object.entries(arm)
      .map(([name, value], at) => `${at === 0 ? '  - ' : '    '}${name}: ${String(value)}`)
      .join('\n')
  return [...lines, 'arms:', ...list.map(ofArm), ''].join('\n')
}
writeFileSync(file, toYaml(config))

interface Cell {
  readonly arm: string
  readonly seed: number
  readonly labelFraction: number
  readonly logits: number[]
}
interface Report {
  readonly labels: number[]
  readonly classes: string[]
  readonly verdicts: string[]
  readonly rows: { arm: string; labelFraction: number; mean: { accuracy: number }; confusion: number[][] }[]
  readonly results: Cell[]
}
const reportOf = (out: string): Report => JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
const cellFiles = (out: string): string[] => readdirSync(join(out, 'cells')).sort()
const cellOf = (out: string, name: string): Cell => {
  const { result } = JSON.parse(readFileSync(join(out, 'cells', name), 'utf8')) as { result: Cell }
  return result
}
/** When each cell's file was written. */
const timesOf = (out: string): Map<string, number> =>
  new Map(cellFiles(out).map((name) => [name, statSync(join(out, 'cells', name)).mtimeMs]))

function accuracyOf({ logits }: Cell, labels: readonly number[]): number {
  const hits = labels.filter((label, row) => {
    const own = logits.slice(row * classNames.length, (row + 1) * classNames.length)
    return own.indexOf(Math.max(...own)) === label
  })
  return hits.length / labels.length
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

void t.test('a comparison from a YAML file, and its three reports', (t) => {
  const { status, stdout, stderr } = gyrus('compare', '--config', file, '--out', whole)
  t.equal(status, 0, stderr)
  t.equal(cellFiles(whole).length, 12)
  t.same(readdirSync(whole).sort(), ['cells', 'config.json', 'report.html', 'report.json', 'table.csv'])
  const report = reportOf(whole)
  t.equal(report.results.length, 12)
  const cells = cellFiles(whole).map((name) => cellOf(whole, name))
  const key = ({ arm, seed, labelFraction }: Cell): string => `${arm}/${seed}/${labelFraction}`
  const byKey = (list: readonly Cell[]): Cell[] => [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  t.same(byKey(report.results), byKey(cells), 'the report holds what the cells hold')

  const table = parse<Record<string, string>>(readFileSync(join(whole, 'table.csv'), 'utf8'), {
    columns: true,
  })
  t.same(
    table.map((row) => [row['arm'], row['label_fraction']]),
    arms.flatMap(({ name }) => [
      [name, '0.5'],
      [name, '1'],
    ]),
  )
  const html = readFileSync(join(whole, 'report.html'), 'utf8')
  for (const [at, row] of report.rows.entries()) {
    const own = cells.filter(
      ({ arm, labelFraction }) => arm === row.arm && labelFraction === row.labelFraction,
    )
    const wanted = mean(own.map((cell) => accuracyOf(cell, report.labels)))
    t.ok(Math.abs(row.mean.accuracy - wanted) < 1e-12, `${row.arm}: ${row.mean.accuracy}, not ${wanted}`)
    t.ok(Math.abs(Number(table[at]?.['accuracy']) - wanted) < 1e-6)
    t.ok(html.includes(`<b>${(100 * wanted).toFixed(1)} %</b>`))
    t.equal(mean(row.confusion.flat()) * 9, 48, '24 test images, two seeds')
  }
  for (const text of [
    'Accuracy',
    'Precision',
    'Recall',
    'F1',
    'Holm',
    'Learning curves',
    'wrong, and surest',
  ])
    t.ok(html.includes(text), text)
  t.notMatch(withoutPictures(html), /NaN|undefined|\[object/)
  t.notMatch(html, /(src|href)="(?!data:)/, 'the report stands alone')
  t.equal(report.verdicts.length, 4, 'of two arms at two fractions')
  for (const verdict of report.verdicts) t.ok(stdout.includes(verdict), verdict)
  t.match(stdout, /^arm +accuracy, % +precision, % +recall, % +F1, %$/m)
  t.match(stdout, /^brain SSL, 50 % of the labels +\d/m)
  t.end()
})

/** Starts the comparison, and kills it when as many cells as that are done. */
async function killAfter(cells: number, out: string): Promise<void> {
  const child = spawn(process.execPath, [
    cli,
    'compare',
    '--config',
    file,
    '--out',
    out,
    '--json',
    '--resume',
  ])
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
    if (text.split('"event":"cell"').length > cells) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.once('close', resolve))
}

void t.test('kills leave the finished cells, and the same table in the end', async (t) => {
  const out = join(folder, 'killed')
  await killAfter(2, out)
  const first = timesOf(out)
  t.ok(first.size >= 2 && first.size < 12, `${first.size} cells`)
  t.notOk(existsSync(join(out, 'report.html')))
  await killAfter(2, out)
  const second = timesOf(out)
  t.ok(second.size > first.size)
  const { status, stdout, stderr } = gyrus('compare', '--config', file, '--out', out, '--resume', '--json')
  t.equal(status, 0, stderr)
  const last = timesOf(out)
  for (const [name, time] of second) t.equal(last.get(name), time, `${name} was not made again`)
  const events = jsonLines(stdout)
  t.match(
    events.find(({ event }) => event === 'start'),
    { cells: 12, finished: second.size },
  )
  t.equal(events.filter(({ event }) => event === 'cell').length, 12 - second.size)
  t.same(readFileSync(join(out, 'table.csv'), 'utf8'), readFileSync(join(whole, 'table.csv'), 'utf8'))
  t.same(
    cellFiles(out).map((name) => cellOf(out, name).logits),
    cellFiles(whole).map((name) => cellOf(whole, name).logits),
    'to the last bit',
  )
})

type CellEvent = Extract<CompareEvent, { type: 'cell' }>
const cellsOf = (events: readonly CompareEvent[]): string[] =>
  events.filter((event): event is CellEvent => event.type === 'cell').map(({ cell }) => cell)

void t.test("weights of each seed's own", async (t) => {
  for (const seed of [0, 1]) await writeWeights(join(folder, `seed-${seed}.safetensors`), 20 + seed)
  const arm = { name: 'runs', weights: join(folder, 'seed-{seed}.safetensors') }
  const linear = { ...settings, method: 'linear' as const, out: join(folder, 'seeds') }
  await consume(compare({ ...linear, arms: [arm], seeds: [0, 1] }))
  for (const seed of [0, 1]) {
    const one = { name: 'runs', weights: join(folder, `seed-${seed}.safetensors`) }
    const out = join(folder, `seed-${seed}`)
    await consume(compare({ ...linear, out, arms: [one], seeds: [seed] }))
    const name = `runs, seed ${seed}.json`.replaceAll(' ', '%20')
    t.same(cellOf(linear.out, name).logits, cellOf(out, name).logits, `seed ${seed}`)
  }
  const missing = consume(compare({ ...linear, arms: [arm], seeds: [0, 1, 2] }, { resume: true }))
  t.match((await rejection(t, missing, 'ERR_GYRUS_FILE_NOT_FOUND')).message, /seed-2\.safetensors/)
})

void t.test('other weights, more seeds, another reference', async (t) => {
  const out = join(folder, 'changed')
  const own = join(folder, 'own.safetensors')
  await writeWeights(own, 8)
  const linear = { ...settings, out, method: 'linear' as const, seeds: [0, 1] }
  const two = [{ name: 'random' }, { name: 'brain', weights: own }]
  const first = await consume(compare({ ...linear, arms: two }))
  t.same(cellsOf(first), ['random, seed 0', 'random, seed 1', 'brain, seed 0', 'brain, seed 1'])
  t.same(cellsOf(await consume(compare({ ...linear, arms: two }, { resume: true }))), [])
  await writeWeights(own, 9)
  const again = await consume(compare({ ...linear, arms: two }, { resume: true }))
  t.same(cellsOf(again), ['brain, seed 0', 'brain, seed 1'], 'only what these weights are in')
  const more = { ...linear, arms: [...two, { name: 'other', weights }], seeds: 3, reference: 'other' }
  const grown = await consume(compare(more, { resume: true }))
  t.same(cellsOf(grown), [
    ...['random, seed 2', 'brain, seed 2'],
    ...['other, seed 0', 'other, seed 1', 'other, seed 2'],
  ])
  const done = grown.at(-1)
  if (done?.type !== 'done') throw new Error('no done event')
  t.same(
    done.rows.map(({ arm, difference }) => [arm, difference === undefined]),
    [
      ['random', false],
      ['brain', false],
      ['other', true],
    ],
  )
  t.same(done.rows[1]?.deviation.accuracy, 0, 'weights and all labels: no seed changes anything')
  const refused = await rejection(
    t,
    consume(compare({ ...more, sliceSize: 48 }, { resume: true })),
    'ERR_GYRUS_INVALID_ARGUMENT',
  )
  t.match(refused.message, /begun with other settings \(sliceSize/)
})

void t.test('interruption', async (t) => {
  const out = join(folder, 'interrupted')
  const parameters = ['compare', '--config', file, '--out', out, '--json']
  const ended = await gyrusInterrupted('SIGTERM', ...parameters)
  t.equal(ended.status, 130, ended.stderr)
  t.notOk(existsSync(join(out, 'run.lock')))
  const controller = new AbortController()
  const run = async (): Promise<void> => {
    for await (const event of compare({ ...config, out }, { resume: true, signal: controller.signal }))
      if (event.type === 'cell') controller.abort(new Error('enough'))
  }
  await rejection(t, run(), 'ERR_GYRUS_ABORTED')
  t.equal(cellFiles(out).length, 1, 'the finished cell stays')
  t.notOk(existsSync(join(out, 'run.lock')))
})

void t.test('what is refused, before anything is trained', async (t) => {
  const out = join(folder, 'refused')
  const refused = (more: object): Promise<unknown> => consume(compare({ ...config, out, ...more }))
  const messages = async (more: object): Promise<string> =>
    (await rejection(t, refused(more), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')).message
  t.match(await messages({ reference: 'brain' }), /one of the arms \(random, brain SSL, probe\), not 'brain'/)
  t.match(await messages({ arms: [{ name: 'a' }, { name: 'a' }] }), /arms must be named differently, not 'a'/)
  t.match(await messages({ seeds: [1, 1] }), /seeds must be different numbers, not '1 twice'/)
  t.match(await messages({ labelFractions: [0.5, 0.5] }), /labelFractions must be different numbers/)
  t.match(
    await messages({ arms: [{ name: 'a', weight: 'w' }] }),
    /'arms\.0\.weight'; did you mean 'arms\.0\.weights'/,
  )
  await rejection(t, refused({ arms: [] }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, refused({ labelFractions: [1.5] }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  const lost = { name: 'lost', weights: join(folder, 'none.pth') }
  const missing = await rejection(t, refused({ arms: [{ name: 'a' }, lost] }), 'ERR_GYRUS_FILE_NOT_FOUND')
  t.match(missing.message, /none\.pth cannot be read/)
  t.notOk(existsSync(out), 'nothing was begun')
  const vit = { name: 'vit', weights, arch: 'vit_tiny_patch16_224' }
  const misfit = await rejection(t, refused({ arms: [{ name: 'a' }, vit] }), 'ERR_GYRUS_WEIGHTS_MISMATCH')
  t.match(misfit.message, /^arm vit: /)
  t.notOk(existsSync(join(out, 'cells')), 'no cell was made')
  const mended = { seeds: [0], labelFractions: [1], arms: [{ name: 'a' }], method: 'linear' }
  t.ok(await refused(mended), 'and the mended command needs neither resume nor overwrite')
  const usage = gyrus(
    'compare',
    '--data',
    data,
    '--out',
    join(folder, 'none'),
    '--arm',
    'a',
    '--seeds',
    'two',
  )
  t.equal(usage.status, 2)
  t.equal(gyrus('compare', '--config', join(folder, 'none.yaml')).status, 1)
})
