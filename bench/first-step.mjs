// The bench of the first step: how long after the start of a process its first training step has ended, of processes
// of one kind that follow one another. In pairs with PyTorch (bench/run.mjs) a process gets memory from a system that
// has just taken back what the other used, which on a virtual machine can take longer than the step.
//   npm run bench -- --suite first-step [--case TEXT] [--rounds 5] [--threads N]
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { batch, cases, nameOf, size, tolerance } from './cases.mjs'
import { contendersOf } from './contenders.mjs'
import { checkAgreement, median, runContender } from './harness.mjs'
import { writeViews } from './inputs.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { findPython, findTcmalloc, peerSettings } from './peers.mjs'
import { writeReport } from './report.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    case: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const { rounds, threads } = options
const floor = 3 // seconds
const machine = await describeMachine(Number(threads))
const python = findPython()
// What is compiled is quicker later, and its first step comes later.
const setting = peerSettings(findTcmalloc())
  .filter(({ mode }) => mode === 'eager')
  .at(-1)

/** Seconds to the first step of `rounds` processes, after one that does not count. */
async function inARow(contender) {
  const runs = []
  for (let round = 0; round <= Number(rounds); round += 1) runs.push(await runContender(contender))
  const counted = runs.slice(1)
  const seconds = counted.map(({ secondsToFirstStep }) => secondsToFirstStep)
  return {
    name: contender.name,
    firstLoss: counted[0].firstLoss,
    seconds: median(seconds),
    range: [Math.min(...seconds), Math.max(...seconds)],
    step: median(counted.flatMap((run) => run.seconds)),
    versions: counted[0].versions,
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'gyrus-bench-'))
try {
  writeViews(scratch, batch, size)
  for (const one of cases.filter((candidate) => nameOf(candidate).includes(options.case))) {
    const make = contendersOf(one, scratch, Number(threads))
    await make.writeWeights()
    const ours = await inARow(make.gyrus({ steps: 1, warmup: 0 }))
    const theirs = await inARow(make.peer(python, setting, { steps: 1, warmup: 0 }))
    checkAgreement(ours, theirs, tolerance[one.precision])
    const command = commandLine('npm run bench -- --suite first-step', { case: nameOf(one), rounds, threads })
    const record = {
      kind: 'first step',
      case: nameOf(one),
      date: new Date().toISOString(),
      machine,
      command,
      floor,
    }
    mkdirSync(join(here, 'results'), { recursive: true })
    appendFileSync(
      join(here, 'results', 'first-step.jsonl'),
      JSON.stringify({ ...record, ours, theirs }) + '\n',
    )
    console.log(
      `${nameOf(one)}: first step after ${ours.seconds.toFixed(2)} s, a step is ${ours.step.toFixed(2)} s; ` +
        `${theirs.name} ${theirs.seconds.toFixed(2)} s`,
    )
  }
  writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
