// Pretraining over a long time, and killed many times: whether memory grows, whether the event loop is held up, and
// whether a run that was killed at random moments ends with the same bits as one that was left alone.
//   npm run bench -- --suite endurance [--steps 2000] [--kills 100] [--threads 1]
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { curate, pretrain, writeCohort } from 'gyrus'
import { median } from './harness.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { writeReport } from './report.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const cli = fileURLToPath(new URL('../dist/gyrus/cli.js', import.meta.url))
const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '100' },
    threads: { type: 'string', default: '1' },
  },
})
const [steps, kills, threads] = [options.steps, options.kills, options.threads].map(Number)
/** Steps between two looks at the memory; the first tenth of the run fills caches and does not count. */
const lookEvery = 20
const loopResolution = 1
const killedSteps = 12
const small = { preset: 'cpu-resnet18', imageSize: 32, batchSize: 8, threads }
const say = (line) => process.stderr.write(`${line}\n`)

function residentBytes() {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

async function runLong(data, out) {
  const looks = []
  const delay = monitorEventLoopDelay({ resolution: loopResolution })
  for await (const event of pretrain({ ...small, data, out, steps, saveEvery: Math.ceil(steps / 8) })) {
    if (event.type !== 'step') continue
    if (event.step === Math.ceil(steps / 10)) delay.enable() // the start compiles and allocates
    if (event.step % lookEvery === 0) looks.push(residentBytes())
  }
  delay.disable()
  const settled = looks.slice(Math.ceil(looks.length / 10))
  const third = Math.floor(settled.length / 3)
  return {
    startBytes: median(settled.slice(0, third)),
    endBytes: median(settled.slice(-third)),
    loopP99Ms: delay.percentile(99) / 1e6 - loopResolution,
    loopMaxMs: delay.max / 1e6 - loopResolution,
  }
}

function digest(out) {
  const last = `step-${String(killedSteps).padStart(8, '0')}`
  const hash = createHash('sha256')
  for (const path of [
    'metrics.jsonl',
    'backbone.safetensors',
    join('checkpoints', last, 'state.safetensors'),
  ])
    hash.update(readFileSync(join(out, path)))
  return hash.digest('hex')
}

/** Whether the run ended before it could be killed. */
function runAndKill(milliseconds, flags) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...flags], { stdio: 'ignore' })
    const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds)
    child.on('close', (status) => {
      clearTimeout(timer)
      resolve(status === 0)
    })
  })
}

const isSaving = (out) => {
  const folder = join(out, 'checkpoints')
  return existsSync(folder) && readdirSync(folder).some((name) => !/^step-\d+$/.test(name))
}

async function runKilled(data, out) {
  const flags = [
    'pretrain',
    '--data',
    data,
    '--steps',
    String(killedSteps),
    '--save-every',
    '2',
    '--threads',
    '1',
  ]
  flags.push('--preset', small.preset, '--image-size', '32', '--batch-size', '8')
  const start = performance.now()
  spawnSync(process.execPath, [cli, ...flags, '--out', `${out}-whole`], { stdio: 'ignore' })
  let whole = performance.now() - start
  const expected = digest(`${out}-whole`)
  const result = { kills: 0, duringSaves: 0, runs: 0, same: 0 }
  const resumed = [...flags, '--out', out, '--resume']
  while (result.kills < kills) {
    const begun = performance.now()
    if (await runAndKill(whole * (0.2 + 0.8 * Math.random()), resumed)) {
      whole = Math.min(whole, performance.now() - begun)
      result.runs += 1
      if (digest(out) === expected) result.same += 1
      rmSync(out, { recursive: true })
      continue
    }
    result.kills += 1
    if (isSaving(out)) result.duringSaves += 1
    if (result.kills % 10 === 0)
      say(`  ${result.kills} kills, ${result.same} of ${result.runs} runs the same`)
  }
  spawnSync(process.execPath, [cli, ...resumed], { stdio: 'ignore' })
  result.runs += 1
  if (digest(out) === expected) result.same += 1
  return result
}

const scratch = mkdtempSync(join(tmpdir(), 'gyrus-endurance-'))
try {
  const [archives, data] = [join(scratch, 'archives'), join(scratch, 'curated')]
  await writeCohort({ out: archives, subjects: 4, size: 48, datasets: ['ixi', 'oasis3'] })
  const roots = ['ixi', 'oasis3'].map((name) => join(archives, name))
  for await (const event of curate({ roots, out: data, size: 40, keep: 64, valFraction: 0 }))
    if (event.type === 'unreadable') throw new Error(event.message)
  const killed = await runKilled(data, join(scratch, 'killed'))
  const long = await runLong(data, join(scratch, 'long'))
  const record = {
    kind: 'endurance',
    case: `${steps} steps, ${kills} kills`,
    date: new Date().toISOString(),
    machine: await describeMachine(threads),
    command: commandLine('npm run bench -- --suite endurance', { steps, kills, threads }),
    steps,
    ...long,
    killed,
  }
  say(JSON.stringify(record))
  mkdirSync(join(here, 'results'), { recursive: true })
  appendFileSync(join(here, 'results', 'pretraining.jsonl'), `${JSON.stringify(record)}\n`)
  writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
