// What pretraining is worth: a simulated cohort, encoders pretrained on curated slices, on as many random ones, and not
// at all, a linear probe and fine-tuning with a tenth of the labels; five seeds of everything. The comparison's own
// reports lie in the work folder, the figures go to bench/RESULTS.md.
//   npm run bench -- --suite benefit [--work FOLDER] [--subjects 48] [--steps 600] [--seeds 5] [--threads N]
//                                    [--leave-out pituitary]
//     --leave-out  a kind of tumour that too few subjects have for both sides of the split
// A run that was broken off is continued by the same command.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, curate, pretrain, writeCohort } from 'gyrus'
import { commandLine, describeMachine } from './machine.mjs'
import { writeReport } from './report.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    work: { type: 'string', default: join(here, '..', 'build-results', 'benefit') },
    subjects: { type: 'string', default: '48' },
    steps: { type: 'string', default: '600' },
    seeds: { type: 'string', default: '5' },
    'leave-out': { type: 'string', default: 'pituitary' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const work = options.work
const [subjects, steps, threads] = [options.subjects, options.steps, options.threads].map(Number)
const seeds = Array.from({ length: Number(options.seeds) }, (_, seed) => seed)
const archives = join(work, 'archives')
const labels = join(work, 'labels.csv')
const datasets = ['ixi', 'oasis3', 'brats21', 'fastmri']
/** Of each volume's slices, and of the subjects: enough to ask about every kind of tumour. */
const [keepFraction, valFraction] = [0.5, 0.35]
/** Steps of rate zero, which give an untrained network's batch norms real statistics. */
const calibrationSteps = 20
const say = (line) => process.stderr.write(`${line}\n`)

/** The two sets: the rule, and as many slices of the same volumes at random. */
const sets = {
  curated: {},
  random: { rankBy: 'random', entropyMin: 0, position: [0, 1] },
}

async function exhaust(events) {
  for await (const event of events) if (event.type === 'warning') say(`  ${event.message}`)
}

async function prepare() {
  if (!existsSync(join(archives, 'cohort.json')))
    await writeCohort({ out: archives, subjects, size: 128, seed: 0, datasets, overwrite: true })
  for (const [name, rule] of Object.entries(sets)) {
    const out = join(work, name)
    const roots = datasets.map((dataset) => join(archives, dataset))
    if (!existsSync(join(out, 'curation.json')))
      await exhaust(curate({ roots, out, size: 96, keepFraction, valFraction, seed: 0, ...rule }))
  }
}

async function pretrainAll() {
  for (const seed of seeds) {
    for (const [arm, extra] of Object.entries({
      untrained: { data: join(work, 'curated'), steps: calibrationSteps, baseLr: 0 },
      curated: { data: join(work, 'curated'), steps },
      random: { data: join(work, 'random'), steps },
    })) {
      const out = join(work, 'runs', `${arm}-${seed}`)
      if (existsSync(join(out, 'finished'))) continue
      const start = performance.now()
      const settings = { preset: 'cpu-resnet18', imageSize: 64, threads, seed, out, ...extra }
      await exhaust(pretrain(settings, { resume: existsSync(out) }))
      writeFileSync(join(out, 'finished'), '')
      say(`${arm}, seed ${seed}: ${((performance.now() - start) / 1000).toFixed(0)} s`)
    }
  }
}

const arm = (name, run) => ({ name, weights: join(work, 'runs', `${run}-{seed}`, 'backbone.safetensors') })
const arms = [arm('untrained', 'untrained'), arm('curated', 'curated'), arm('random slices', 'random')]

/** The rows of the comparison's report: means over the seeds, differences to `reference`. */
async function compareTo(reference, name, settings) {
  const out = join(work, name)
  const config = {
    data: join(work, 'curated'),
    labels,
    out,
    arch: 'resnet18',
    imageSize: 64,
    threads,
    seeds,
    arms,
    reference,
    testSide: 1,
    duplicates: { action: 'ignore' },
    ...settings,
  }
  for await (const event of compare(config, { resume: existsSync(out) })) {
    if (event.type === 'cell') say(`  ${event.cell}: ${(100 * event.accuracy).toFixed(1)} %`)
  }
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
}

const scores = ['accuracy', 'macroRecall', 'f1']
const pickScores = (of) => Object.fromEntries(scores.map((name) => [name, of(name)]))
const differenceOf = (report, of) => {
  const { difference } = report.rows.find((row) => row.arm === of)
  return pickScores((name) => {
    const { meanDifference, interval, t, n } = difference[name]
    return { mean: meanDifference, low: interval.low, high: interval.high, p: t, seeds: n }
  })
}

async function compareAll(title, name, settings) {
  const isWhole = !existsSync(join(work, name))
  const start = performance.now()
  const toUntrained = await compareTo('untrained', name, settings)
  const seconds = (performance.now() - start) / 1000
  const toRandom = await compareTo('random slices', name, settings)
  return {
    kind: 'benefit',
    case: title,
    date: new Date().toISOString(),
    machine: await describeMachine(threads),
    command: commandLine('npm run bench -- --suite benefit', { subjects, steps, seeds: seeds.length }),
    subjects,
    steps,
    seeds: seeds.length,
    // Of a comparison that ran in one piece.
    ...(isWhole ? { minutes: seconds / 60 } : {}),
    classes: toUntrained.classes.length,
    tested: toUntrained.labels.length,
    rows: toUntrained.rows.map(({ arm, trained, mean, deviation }) => ({
      arm,
      trained,
      mean: pickScores((score) => mean[score]),
      deviation: pickScores((score) => deviation[score]),
    })),
    differences: [
      { of: 'curated', to: 'untrained', ...differenceOf(toUntrained, 'curated') },
      { of: 'random slices', to: 'untrained', ...differenceOf(toUntrained, 'random slices') },
      { of: 'curated', to: 'random slices', ...differenceOf(toRandom, 'curated') },
    ],
  }
}

mkdirSync(work, { recursive: true })
await prepare()
const lines = readFileSync(join(archives, 'labels.csv'), 'utf8').split('\n')
writeFileSync(labels, lines.filter((line) => !line.endsWith(`,${options['leave-out']}`)).join('\n'))
await pretrainAll()
const tenth = { labelFractions: [0.1], epochs: 15, batchSize: 16, view: { crop: [0.6, 1], flip: 0.5 } }
const results = join(here, 'results')
mkdirSync(results, { recursive: true })
for (const [title, name, settings] of [
  ['linear probe, all labels', 'probe', { method: 'linear' }],
  ['fine-tuning, a tenth of the labels', 'finetune', tenth],
]) {
  const record = await compareAll(title, name, settings)
  appendFileSync(join(results, 'benefit.jsonl'), `${JSON.stringify(record)}\n`)
  writeReport()
}
