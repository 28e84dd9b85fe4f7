// Where each millisecond of a gyrus step goes, by kind of kernel, against the machine's limits, which are measured
// before and after.
//   node bench/profile.mjs [--case TEXT] [--steps 5] [--threads N] [--top 20] [--record]
//     --top     also lists the slowest single kernels
//     --record  appends to results/, so that RESULTS.md shows it
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { batch, cases, nameOf, size } from './cases.mjs'
import { writeViews } from './inputs.mjs'
import { byKind, largerOf, measureLimits, totalOf } from './limits.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { limitsLine, writeReport } from './report.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    case: { type: 'string', default: 'moco_step resnet50 bf16' },
    steps: { type: 'string', default: '5' },
    top: { type: 'string', default: '0' },
    threads: { type: 'string', default: String(availableParallelism()) },
    record: { type: 'boolean', default: false },
  },
})
const threads = Number(options.threads)

/** The kernels of the typical step. */
function runProfiled(one, data) {
  const given = { arch: one.arch, precision: one.precision, batch, size, threads, data }
  const program = join(folder, 'contenders', `${one.work}.gyrus.mjs`)
  const named = Object.entries({ ...given, warmup: 2, steps: options.steps }).flatMap(([k, v]) => [
    `--${k}`,
    String(v),
  ])
  const child = spawnSync(process.execPath, [program, ...named, '--profile'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, OMP_NUM_THREADS: options.threads },
  })
  const line = child.stdout.split('\n').find((text) => text.startsWith('{"event":"profile"'))
  if (line === undefined) throw new Error(`${nameOf(one)} did not run: ${child.stderr.trim()}`)
  return JSON.parse(line).kernels
}

function print(seconds, total, limitSeconds, what) {
  const cells = [
    `${(seconds * 1000).toFixed(2).padStart(9)} ms`,
    `${((100 * seconds) / total).toFixed(1).padStart(5)} %`,
    `limit ${(limitSeconds * 1000).toFixed(2).padStart(8)} ms`,
  ]
  console.log(`${cells.join(' ')}  ${what}`)
}

function printSlowest(kernels, limits, one, total) {
  const slowest = kernels.toSorted((a, b) => b.seconds - a.seconds).slice(0, Number(options.top))
  for (const kernel of slowest) {
    const [{ limitSeconds }] = byKind([kernel], limits, one.precision)
    print(kernel.seconds, total, limitSeconds, kernel.name)
  }
}

function record(one, machine, limits, kinds) {
  mkdirSync(join(folder, 'results'), { recursive: true })
  const { steps } = options
  const entry = {
    kind: 'profile',
    case: nameOf(one),
    date: new Date().toISOString(),
    machine,
    command: commandLine('node bench/profile.mjs', { case: nameOf(one), steps, threads }) + ' --record',
    limits,
    kinds,
  }
  appendFileSync(join(folder, 'results', 'profile.jsonl'), JSON.stringify(entry) + '\n')
}

const machine = await describeMachine(threads)
const scratch = mkdtempSync(join(tmpdir(), 'gyrus-bench-'))
try {
  const data = writeViews(scratch, batch, size)
  for (const one of cases.filter((candidate) => nameOf(candidate).includes(options.case))) {
    const before = measureLimits(threads)
    const kernels = runProfiled(one, data)
    const limits = largerOf(before, measureLimits(threads))
    const kinds = byKind(kernels, limits, one.precision)
    const total = totalOf(kinds)
    console.log(`${nameOf(one)}. ${limitsLine(limits)}`)
    for (const kind of [...kinds, total])
      print(kind.seconds, total.seconds, kind.limitSeconds, `${kind.kind} (${kind.count})`)
    printSlowest(kernels, limits, one, total.seconds)
    if (options.record) record(one, machine, limits, kinds)
  }
  if (options.record) writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
