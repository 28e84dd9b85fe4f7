// Writes RESULTS.md from the newest record of each case and machine in results/*.jsonl: no figure in it is typed.
//   node bench/report.mjs [FOLDER]      the folder of results/ and RESULTS.md: bench unless given
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { day, giga, gib, ms, percent, row, times } from './format.mjs'
import { totalOf } from './limits.mjs'
import { pretrainingSections } from './report-pretraining.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Records of before instruction sets were recorded have no `isa`. */
function nameOfMachine({ cpu, threads, isa }) {
  const sets =
    isa === undefined ? 'instruction sets not recorded' : isa.includes('AMX') ? isa : `${isa}, no AMX`
  return `${cpu}, ${threads} threads, ${sets}`
}

function newestRecords(folder) {
  const results = join(folder, 'results')
  if (!existsSync(results)) return []
  const files = readdirSync(results).filter((file) => file.endsWith('.jsonl'))
  const lines = files.sort().flatMap((file) => readFileSync(join(results, file), 'utf8').trim().split('\n'))
  const records = lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  records.sort((a, b) => (a.date < b.date ? -1 : 1))
  const newest = new Map()
  for (const record of records) {
    newest.set(`${record.kind} ${record.case} ${nameOfMachine(record.machine)}`, record)
  }
  return [...newest.values()]
}

/** [[name of the machine, its records], ...] */
function byMachine(records) {
  const groups = new Map()
  for (const record of records) {
    const name = nameOfMachine(record.machine)
    groups.set(name, [...(groups.get(name) ?? []), record])
  }
  return [...groups]
}

function verdict({ floor, speedup, memoryRatio, ours }) {
  if (floor === undefined) return '-'
  const missed = []
  if (speedup < floor.speedup) missed.push(`speed ${times(floor.speedup)}`)
  if (memoryRatio > floor.memory) missed.push(`memory ${floor.memory}`)
  if (ours.secondsToFirstStep > floor.firstStep) missed.push(`first step ${floor.firstStep} s`)
  return missed.length === 0 ? 'reached' : `**missed**: ${missed.join(', ')}`
}

function comparisonRow(record) {
  const { ours, theirs } = record
  return row([
    record.case,
    day(record),
    `${ours.secondsPerStep.toFixed(3)} ± ${ours.deviation.toFixed(3)}`,
    `${theirs.secondsPerStep.toFixed(3)} ± ${theirs.deviation.toFixed(3)}`,
    theirs.name.replace('PyTorch ', ''),
    `**${times(record.speedup)}** (${record.speedupRange.map((value) => value.toFixed(2)).join('-')})`,
    `${gib(ours.peakBytes)} / ${gib(theirs.peakBytes)} = ${record.memoryRatio.toFixed(2)}`,
    `${ours.secondsToFirstStep.toFixed(1)} / ${theirs.secondsToFirstStep.toFixed(1)}`,
    verdict(record),
  ])
}

function comparisonTable([machine, records]) {
  const heads = ['work', 'date', 'gyrus s/step', 'peer s/step', 'best peer', 'speed', 'peak GiB']
  return [
    `### ${machine}`,
    '',
    row([...heads, 's to first step', 'floor']),
    row(['---', '---', '---:', '---:', '---', '---:', '---:', '---:', '---']),
    ...records.map(comparisonRow),
    '',
    'By these commands:',
    '',
    ...records.map((record) =>
      record.command === undefined ? `- ${record.case}: not recorded` : `- \`${record.command}\``,
    ),
    '',
  ]
}

const aboutFirstSteps = [
  '## The first step',
  '',
  'Seconds from the start of a process to the end of its first step: Node or Python, libraries, weights from a file,',
  'compilation, the step. Processes of one kind follow one another, and the first does not count: the system still has',
  'the memory at hand that the one before used. In brackets the range. The peer is PyTorch eager, with tcmalloc where',
  'there is one. The last column is what is left of the time asked for when the step itself is taken off.',
  '',
]

function firstStepTable([machine, records]) {
  const heads = ['work', 'date', 'gyrus s', 'PyTorch s', 'gyrus s/step', 'asked for', 'of it for the start']
  return [
    `### ${machine}`,
    '',
    row(heads),
    row(['---', '---', '---:', '---:', '---:', '---', '---:']),
    ...records.map((one) => {
      const { ours, theirs, floor } = one
      const range = ours.range.map((value) => value.toFixed(2)).join('-')
      return row([
        one.case,
        day(one),
        `**${ours.seconds.toFixed(2)}** (${range})`,
        theirs.seconds.toFixed(2),
        ours.step.toFixed(2),
        `${floor} s: ${ours.seconds <= floor ? 'reached' : '**missed**'}`,
        (floor - ours.step).toFixed(2),
      ])
    }),
    '',
    ...records.map(({ command }) => `- \`${command}\``),
    '',
  ]
}

/** The measured limits in words. */
export function limitsLine(limits) {
  const bf16 =
    limits.bf16Flops === null ? 'no bf16' : `bf16 ${giga(limits.bf16Flops)} GFLOP/s (${limits.bf16Unit})`
  const cache =
    limits.cacheBandwidth === null
      ? 'no shared cache'
      : `last-level cache ${giga(limits.cacheBandwidth)} GB/s`
  return (
    `Limits of ${limits.threads} threads: f32 ${giga(limits.f32Flops)} GFLOP/s, ${bf16}, ` +
    `memory ${giga(limits.memoryBandwidth)} GB/s, ${cache}.`
  )
}

function kindRow(one, seconds) {
  return row([
    one.kind,
    String(one.count),
    ms(one.seconds),
    percent(one.seconds / seconds),
    giga(one.flops / one.seconds),
    giga(one.bytes / one.seconds),
    ms(one.limitSeconds),
    percent(one.limitSeconds / one.seconds),
  ])
}

function profileTable(record) {
  const total = totalOf(record.kinds)
  return [
    `#### ${record.case}: ${ms(total.seconds)} ms in kernels`,
    '',
    `${day(record)}, by \`${record.command}\``,
    '',
    limitsLine(record.limits),
    '',
    row(['kind of kernel', 'kernels', 'ms', 'share', 'GFLOP/s', 'GB/s', 'limit ms', 'limit/actual']),
    row(['---', '---:', '---:', '---:', '---:', '---:', '---:', '---:']),
    ...[...record.kinds, total].map((one) => kindRow(one, total.seconds)),
    '',
  ]
}

const introduction = [
  '# Results',
  '',
  'Generated from `bench/results/*.jsonl` by `npm run bench` and `node bench/profile.mjs --record`; do not edit.',
  '',
]
const aboutComparisons = [
  '## Against PyTorch',
  '',
  'Each contender is a process of its own, the two of a pair alternate, and both start from the same weights and data;',
  'their first losses must agree before a time counts. The peer is the best of PyTorch eager and compiled, each with',
  'and without tcmalloc. Times are medians over all timed steps ± median absolute deviation; ratios are medians over',
  "the pairs, in brackets their range. Peak memory is the process's maximal resident set. The first step counts from",
  'the start of the process.',
  '',
]
const aboutProfiles = [
  '## Where the time goes',
  '',
  'Every kernel of the step of median length, summed by kind. A kernel can take no less than its operations at the',
  "processor's peak, and no less than its bytes at the memory's bandwidth: its limit is the larger of the two. The",
  'peaks are measured in registers, the bandwidths on copies (bytes read and written), before and after the step, by',
  '`build/gyrus_limits`. A bf16 step is held against the faster of bf16 and f32 arithmetic, for bf16 numbers may be',
  'widened. Bytes count each tensor once and are held against the memory: kinds whose data stay in a cache can',
  'therefore beat their limit.',
  '',
]

const aboutCuration = [
  '## Curation',
  '',
  'The same .nii.gz volumes through `curate()`, through nibabel and scikit-image in a process a core, and through',
  'libdeflate alone on as many threads, in alternation. The peer computes entropies only; `curate()` also hashes every',
  'file, cuts and writes the kept slices, the manifest and the report. Seconds count from the search for files to the',
  'last result, without the start of the process. Ratios are medians over the rounds, in brackets their range. The',
  'entropies of the two sides differ in the rounding of grey levels at most. No program that inflates every file with',
  'libdeflate can be faster than it: the last column says how many times the peer that limit is.',
  '',
]

function curationTable([machine, records]) {
  const heads = [
    'volumes',
    'date',
    'slices/s',
    'peer slices/s',
    'speed',
    'of libdeflate',
    'peak MiB',
    "limit's speed",
  ]
  const rows = records.map((one) => {
    const { gyrus, peer, inflate } = one.seconds
    return row([
      `${one.volumes}, ${giga(one.unpackedBytes)} GB`,
      day(one),
      (one.slices / gyrus).toFixed(0),
      (one.slices / peer).toFixed(0),
      `**${times(one.speedup)}** (${one.speedupRange.map((value) => value.toFixed(1)).join('-')})`,
      `**${one.ofInflate.toFixed(2)}** (${one.ofInflateRange.map((value) => value.toFixed(2)).join('-')})`,
      (one.peakBytes.gyrus / 2 ** 20).toFixed(0),
      times(peer / inflate),
    ])
  })
  const { floor } = records[0]
  return [
    `### ${machine}`,
    '',
    row(heads),
    row(heads.map(() => '---:')),
    ...rows,
    '',
    `Asked for: ${floor.speedup} × the peer, ${floor.ofInflate} of libdeflate, ${floor.memory / 2 ** 20} MiB.`,
    '',
    ...records.map((record) => `- \`${record.command}\``),
    '',
  ]
}

const aboutEntropy = [
  '## The entropy kernel',
  '',
  '200 images of 256 x 256 bytes on one core; GB/s of bytes read. The difference is the largest of all images.',
  '',
]

function entropyTable([machine, records]) {
  const heads = ['date', 'gyrus GB/s', 'scikit-image GB/s', 'bincount GB/s', 'speed', 'difference in bits']
  return [
    `### ${machine}`,
    '',
    row(heads),
    row(heads.map(() => '---:')),
    ...records.map(({ rates, ...one }) => {
      const shown = [rates.gyrus, rates.skimage, rates.bincount].map((rate) => (rate / 1e9).toFixed(2))
      return row([day(one), ...shown, `**${times(one.speedup)}**`, one.difference.toExponential(0)])
    }),
    '',
  ]
}

export function writeReport(folder = here) {
  const records = newestRecords(folder)
  const comparisons = records.filter((record) => record.kind === 'comparison')
  const profiles = records.filter((record) => record.kind === 'profile')
  const curations = records.filter((record) => record.kind === 'curation')
  const entropies = records.filter((record) => record.kind === 'entropy')
  const lines = [...introduction]
  if (comparisons.length > 0)
    lines.push(...aboutComparisons, ...byMachine(comparisons).flatMap(comparisonTable))
  const firstSteps = records.filter((record) => record.kind === 'first step')
  if (firstSteps.length > 0) lines.push(...aboutFirstSteps, ...byMachine(firstSteps).flatMap(firstStepTable))
  if (curations.length > 0) lines.push(...aboutCuration, ...byMachine(curations).flatMap(curationTable))
  if (entropies.length > 0) lines.push(...aboutEntropy, ...byMachine(entropies).flatMap(entropyTable))
  lines.push(...pretrainingSections(records, byMachine))
  if (profiles.length > 0) lines.push(...aboutProfiles)
  for (const [machine, own] of byMachine(profiles)) {
    lines.push(`### ${machine}`, '', ...own.flatMap(profileTable))
  }
  writeFileSync(join(folder, 'RESULTS.md'), lines.join('\n').trimEnd() + '\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeReport(process.argv[2])
