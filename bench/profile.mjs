// Where each millisecond of a gyrus step goes, by kind of kernel.
//   node bench/profile.mjs [--case TEXT] [--steps 5] [--top 20] [--record]
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
import { writeReport } from './report.mjs'

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

function profile(one, data) {
  const given = { arch: one.arch, precision: one.precision, batch, size, threads: options.threads, data }
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
  return JSON.parse(line)
}

const line = (share, seconds, what) =>
  console.log(
    `${(seconds * 1000).toFixed(2).padStart(9)} ms ${(100 * share).toFixed(1).padStart(5)} %  ${what}`,
  )

const scratch = mkdtempSync(join(tmpdir(), 'gyrus-bench-'))
try {
  const data = writeViews(scratch, batch, size)
  for (const one of cases.filter((candidate) => nameOf(candidate).includes(options.case))) {
    const { seconds, kinds, kernels } = profile(one, data)
    console.log(`${nameOf(one)}: ${(seconds * 1000).toFixed(1)} ms in ${kernels.length} kernels`)
    for (const kind of kinds) line(kind.seconds / seconds, kind.seconds, `${kind.kind} (${kind.count})`)
    const slowest = kernels.sort((a, b) => b.seconds - a.seconds).slice(0, Number(options.top))
    for (const kernel of slowest)
      line(kernel.seconds / seconds, kernel.seconds, `${kernel.kind} ${kernel.name}`)
    if (options.record) {
      mkdirSync(join(folder, 'results'), { recursive: true })
      const entry = { kind: 'profile', case: nameOf(one), date: new Date().toISOString(), seconds, kinds }
      appendFileSync(join(folder, 'results', 'profile.jsonl'), JSON.stringify(entry) + '\n')
    }
  }
  if (options.record) writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
