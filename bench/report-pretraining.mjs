// The part of RESULTS.md about pretraining: augmentation, feeding, and what it is worth downstream.
import { day, percent, row, times } from './format.mjs'

const aboutPretraining = [
  '## Pretraining beyond the bare step',
  '',
  "Augmentation: both of MoCo v3's pipelines, 256 px slices to pairs of 224 px views, one thread against one thread of",
  'torchvision on PIL, in alternation. Feeding: blocks of steps whose views are drawn meanwhile, as `gyrus pretrain`',
  'runs them, in alternation with blocks of the same step over views that lie there already; 224 px, batches as given.',
  '',
]

const asRange = (values, digits) => values.map((value) => value.toFixed(digits)).join('-')

function augmentationTable([machine, records]) {
  const heads = ['date', 'gyrus pairs/s', 'torchvision pairs/s', 'speed']
  return [
    `### Augmentation on ${machine}`,
    '',
    row(heads),
    row(heads.map(() => '---:')),
    ...records.map(({ pairsPerSecond, ...one }) => {
      const rates = [pairsPerSecond.gyrus, pairsPerSecond.peer].map((rate) => rate.toFixed(0))
      return row([day(one), ...rates, `**${times(one.speedup)}** (${asRange(one.speedupRange, 1)})`])
    }),
    '',
    `Asked for: ${records[0].floor.augmentation} ×. By \`${records[0].command}\`.`,
    '',
  ]
}

function feedingTable([machine, records]) {
  const heads = ['preset', 'date', 'batch', 'bare pairs/s', 'fed pairs/s', 'share of the bare step', 'wait']
  return [
    `### Feeding on ${machine}`,
    '',
    row(heads),
    row(['---', ...heads.slice(1).map(() => '---:')]),
    ...records.map(({ pairsPerSecond, ...one }) => {
      const rates = [pairsPerSecond.bare, pairsPerSecond.fed].map((rate) => rate.toFixed(2))
      const share = `**${one.ratio.toFixed(3)}** (${asRange(one.ratioRange, 2)})`
      return row([one.preset, day(one), String(one.batch), ...rates, share, percent(one.waitShare)])
    }),
    '',
    `Asked for: ${records[0].floor.feeding}. By \`${records[0].command}\`.`,
    '',
  ]
}

const aboutProbe = [
  '## The linear probe',
  '',
  'Softmax regression with a penalty on standardised features in memory, standardising included, the best of three',
  'passes a process, contenders in alternation. PyTorch by L-BFGS goes to where the gradient is 1e-5 of the first',
  "one's, as gyrus does; by SGD it takes 100 epochs of batches of 256, as probes of features are commonly run. The",
  'loss is that of the training rows with the penalty: the lower one is nearer to the optimum.',
  '',
]

function probeTable([machine, records]) {
  const heads = ['work', 'date', 'by', 's', 'gyrus is faster by', 'loss', 'accuracy']
  const names = { gyrus: 'gyrus', lbfgs: 'PyTorch, L-BFGS', sgd: 'PyTorch, SGD' }
  return [
    `### Linear probe on ${machine}`,
    '',
    row(heads),
    row(['---', '---:', '---', ...heads.slice(3).map(() => '---:')]),
    ...records.flatMap((record) =>
      Object.entries(names).map(([by, name]) =>
        row([
          `${record.images} x ${record.case}`,
          day(record),
          name,
          record.seconds[by].toFixed(3),
          by === 'gyrus' ? '' : `**${times(record.speedups[by])}**`,
          record.loss[by].toFixed(6),
          percent(record.accuracy[by]),
        ]),
      ),
    ),
    '',
    `Asked for: ${records[0].floor} ×. By \`${records[0].command}\`.`,
    '',
  ]
}

const aboutBenefit = [
  '## What pretraining is worth',
  '',
  'A simulated cohort; ResNet-18 at 64 px pretrained by MoCo v3 on curated slices, on as many slices of the same',
  'volumes at random, and not at all (untrained: batch norms have seen the data, weights are as they were drawn).',
  'Each seed has a pretraining of its own. Tested on subjects that nothing was trained on. Differences are paired by',
  'seed, with their 95 % interval and the p of the paired t test.',
  '',
]

const signed = (value) => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`

function benefitTable([machine, records]) {
  return records.flatMap((record) => [
    `### ${record.case}, on ${machine}`,
    '',
    `${day(record)}, ${record.subjects} subjects, ${record.steps} steps, ${record.seeds} seeds, ` +
      `${record.classes} classes, ${record.tested} test slices; ` +
      (record.minutes === undefined ? '' : `\`compare\` took ${record.minutes.toFixed(1)} minutes; `) +
      `by \`${record.command}\``,
    '',
    row(['arm', 'trained on', 'accuracy', 'mean recall of the classes', 'F1']),
    row(['---', '---:', '---:', '---:', '---:']),
    ...record.rows.map(({ arm, trained, mean, deviation }) =>
      row([
        arm,
        String(Math.round(trained)),
        ...['accuracy', 'macroRecall', 'f1'].map(
          (name) => `${percent(mean[name])} ± ${(100 * deviation[name]).toFixed(1)}`,
        ),
      ]),
    ),
    '',
    row(['difference, in points', 'accuracy', 'mean recall of the classes', 'F1']),
    row(['---', '---:', '---:', '---:']),
    ...record.differences.map(({ of, to, ...scores }) =>
      row([
        `${of} less ${to}`,
        ...['accuracy', 'macroRecall', 'f1'].map((name) => {
          const { mean, low, high, p } = scores[name]
          return `**${signed(mean)}** (${signed(low)} to ${signed(high)}; p = ${p.toPrecision(2)})`
        }),
      ]),
    ),
    '',
  ])
}

const aboutEndurance = [
  '## Pretraining for long, and killed',
  '',
  'ResNet-18 at 32 px. Resident memory at the start and at the end of the steps (medians over their first and last',
  "third, after a tenth to settle), and the event loop's delay beyond its timer's own millisecond. SIGKILL at random",
  'moments of runs that save every second step, each continued until it ends: how many runs ended with the very bits',
  'of one that was left alone (metrics, weights, state).',
  '',
]

function enduranceTable([machine, records]) {
  const heads = [
    'date',
    'steps',
    'MiB at the start',
    'at the end',
    'loop p99 ms',
    'kills',
    'in a save',
    'runs alike',
  ]
  return [
    `### Endurance on ${machine}`,
    '',
    row(heads),
    row(heads.map(() => '---:')),
    ...records.map(({ killed, ...one }) => {
      const sizes = [one.startBytes, one.endBytes].map((bytes) => (bytes / 2 ** 20).toFixed(1))
      const alike = `${killed.same} of ${killed.runs}`
      const counts = [String(killed.kills), String(killed.duringSaves), alike]
      return row([day(one), String(one.steps), ...sizes, one.loopP99Ms.toFixed(2), ...counts])
    }),
    '',
    ...records.map((record) => `- \`${record.command}\``),
    '',
  ]
}

/** The sections of pretraining's records; none without any. */
export function pretrainingSections(records, byMachine) {
  const of = (kind) => records.filter((record) => record.kind === kind)
  const lines = []
  if (of('augmentation').length + of('feeding').length > 0) lines.push(...aboutPretraining)
  lines.push(...byMachine(of('augmentation')).flatMap(augmentationTable))
  lines.push(...byMachine(of('feeding')).flatMap(feedingTable))
  if (of('probe').length > 0) lines.push(...aboutProbe, ...byMachine(of('probe')).flatMap(probeTable))
  if (of('benefit').length > 0) lines.push(...aboutBenefit, ...byMachine(of('benefit')).flatMap(benefitTable))
  if (of('endurance').length > 0)
    lines.push(...aboutEndurance, ...byMachine(of('endurance')).flatMap(enduranceTable))
  return lines
}
