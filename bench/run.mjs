// The peer bench. Chooses the peer's best setting for each case, alternates it with gyrus, records JSON lines, and
// writes RESULTS.md.
//   npm run bench -- [--case TEXT] [--rounds 3] [--steps 5] [--threads N] [--settings all|quick]
//     --case      only the cases whose name contains TEXT
//     --rounds    pairs of processes a case
//     --steps     timed steps a process
//     --settings  quick: the peer is PyTorch compiled, without a search for its best setting (not for RESULTS.md)
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { batch, cases, nameOf, size, tolerance } from './cases.mjs'
import { contendersOf } from './contenders.mjs'
import { alternate, bestOf, checkAgreement, median, summarise } from './harness.mjs'
import { writeViews } from './inputs.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { findPython, findTcmalloc, peerSettings } from './peers.mjs'
import { writeReport } from './report.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    case: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    settings: { type: 'string', default: 'all' },
  },
})
const rounds = Number(options.rounds)
const isQuick = options.settings === 'quick'
const machine = await describeMachine(Number(options.threads))
const say = (line) => process.stderr.write(line + '\n')

async function compare(one, scratch, python, settings) {
  const make = contendersOf(one, scratch, Number(options.threads))
  await make.writeWeights()
  const { steps } = options
  const candidates = settings.map((setting) => make.peer(python, setting, { steps: 3 }))
  const report = (name, run) =>
    say(`  ${name}: ${run instanceof Error ? run.message : `${median(run.seconds).toFixed(3)} s/step`}`)
  const best = candidates.length === 1 ? candidates[0] : await bestOf(candidates, report)
  const setting = settings[candidates.indexOf(best)]
  const pairs = await alternate(
    make.gyrus({ steps }),
    make.peer(python, setting, { steps }),
    rounds,
    (round, [a, b]) => {
      checkAgreement(a, b, tolerance[one.precision])
      say(
        `  pair ${round + 1}: ${median(a.seconds).toFixed(3)} against ${median(b.seconds).toFixed(3)} s/step`,
      )
    },
  )
  return summarise(pairs)
}

/** The command that makes this case's record again; where the peer's Python lies is the machine's own business. */
function commandOf(one) {
  const { rounds, steps, threads } = options
  return commandLine('npm run bench --', { case: nameOf(one), rounds, steps, threads })
}

function record(entry) {
  if (isQuick) return
  mkdirSync(join(folder, 'results'), { recursive: true })
  appendFileSync(join(folder, 'results', 'comparison.jsonl'), JSON.stringify(entry) + '\n')
}

const python = findPython()
const tcmalloc = findTcmalloc()
const settings = isQuick ? [peerSettings(undefined)[1]] : peerSettings(tcmalloc)
say(
  `peer: ${python}, tcmalloc: ${tcmalloc ?? 'not found, so the peer runs without (Debian: libtcmalloc-minimal4)'}`,
)
const scratch = mkdtempSync(join(tmpdir(), 'gyrus-bench-'))
try {
  writeViews(scratch, batch, size)
  for (const one of cases.filter((candidate) => nameOf(candidate).includes(options.case))) {
    say(nameOf(one))
    const summary = await compare(one, scratch, python, settings)
    record({
      kind: 'comparison',
      case: nameOf(one),
      date: new Date().toISOString(),
      machine,
      command: commandOf(one),
      floor: one.floor,
      ...summary,
    })
    console.log(
      `${nameOf(one)}: ${summary.speedup.toFixed(2)} x ${summary.theirs.name}, memory ` +
        `${summary.memoryRatio.toFixed(2)} of the peer's, first step after ` +
        `${summary.ours.secondsToFirstStep.toFixed(1)} s (peer ${summary.theirs.secondsToFirstStep.toFixed(1)} s)`,
    )
  }
  if (!isQuick) writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
