// What pretraining is worth: a simulated cohort, encoders pretrained on curated slices, on as many random ones, and not
// at all, a linear probe and fine-tuning with a tenth of the labels; five seeds of everything. The comparison's own
// report lies in the work folder, the verdicts go to bench/BENEFIT.md.
//   npm run bench -- --suite benefit [--work FOLDER] [--subjects 48] [--steps 600] [--seeds 5] [--threads N]
// A run that was broken off is continued by the same command.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, curate, pretrain, writeCohort } from '../dist/lib/index.js'
import { commandLine, describeMachine } from './machine.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    work: { type: 'string', default: join(here, '..', 'build-results', 'benefit') },
    subjects: { type: 'string', default: '48' },
    steps: { type: 'string', default: '600' },
    seeds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const work = options.work
const [subjects, steps, threads] = [options.subjects, options.steps, options.threads].map(Number)
const seeds = Array.from({ length: Number(options.seeds) }, (_, seed) => seed)
const archives = join(work, 'archives')
const labels = join(archives, 'labels.csv')
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

/** Of every arm: means over the seeds, each with its own start. */
async function compareAll(name, settings) {
  const out = join(work, name)
  const start = performance.now()
  const arm = (title, run) => ({ name: title, weights: join(work, 'runs', `${run}-{seed}`, 'backbone.safetensors') })
  const config = {
    data: join(work, 'curated'),
    labels,
    out,
    arch: 'resnet18',
    imageSize: 64,
    threads,
    seeds,
    arms: [arm('untrained', 'untrained'), arm('curated', 'curated'), arm('random slices', 'random')],
    testSide: 1,
    duplicates: { action: 'ignore' },
    ...settings,
  }
  let verdicts = []
  for await (const event of compare(config, { resume: existsSync(out) })) {
    if (event.type === 'cell') say(`  ${event.cell}: ${(100 * event.accuracy).toFixed(1)} %`)
    if (event.type === 'done') verdicts = event.verdicts
  }
  const table = readFileSync(join(out, 'table.csv'), 'utf8').trim()
  return { verdicts, table, seconds: (performance.now() - start) / 1000 }
}

mkdirSync(work, { recursive: true })
await prepare()
await pretrainAll()
const parts = {
  'Linear probe, all labels': await compareAll('probe', { method: 'linear' }),
  'Fine-tuning, a tenth of the labels': await compareAll('finetune', {
    labelFractions: [0.1],
    epochs: 15,
    batchSize: 16,
    view: { crop: [0.6, 1], flip: 0.5 },
  }),
}
const machine = describeMachine(threads)
const text = [
  '# What pretraining is worth',
  '',
  `Written by \`${commandLine()}\` (bench/benefit.mjs) on ${new Date().toISOString().slice(0, 10)}, ${machine.cpu}, ${threads} threads.`,
  '',
  `${subjects} simulated subjects; ResNet-18 at 64 px; ${steps} steps of MoCo v3 with 64 pairs; ${seeds.length} seeds of`,
  'pretraining, of the drawn labels and of the classifier; tested on subjects that nothing was trained on.',
  ...Object.entries(parts).flatMap(([title, { verdicts, table }]) => [
    '',
    `## ${title}`,
    '',
    ...verdicts.map((verdict) => `- ${verdict}`),
    '',
    '```csv',
    table,
    '```',
  ]),
  '',
].join('\n')
writeFileSync(join(here, 'BENEFIT.md'), text)
process.stdout.write(text)
