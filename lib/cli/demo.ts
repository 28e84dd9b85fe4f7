// `gyrus demo`: from simulated scans to an encoder and what it has learned; --only-data stops after the scans.
import { Command } from 'commander'
import { writeCohort } from '../cohort/cohort.js'
import { findTemplate } from '../cohort/find-template.js'
import { runDemo, type DemoResult } from '../demo/demo.js'
import type { CohortOptions } from '../options/cohort.js'
import { parseCount, parseWhole } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { showEvent } from './pretrain.js'
import { makeProgress, type Progress } from './progress.js'
import { exitCode, printJson, printLine, printNote } from './report.js'

type DemoFlags = CohortOptions & { onlyData: boolean; steps: number; json: boolean }

const defaults = { subjects: 48, size: 96, steps: 600, seed: 0 }

export function demoCommand(): Command {
  return new Command('demo')
    .description('draw a cohort of simulated brain MRI, curate it, pretrain on it, and ask what was learned')
    .requiredOption('--out <dir>', 'folder to write')
    .option('--only-data', 'write the cohort alone, in the layouts of four archives', false)
    .option('--overwrite', 'remove the cohort that is in the folder (--only-data)', false)
    .option('--subjects <n>', 'dealt to the archives in turn (default: 48; --only-data: 24)', parseCount)
    .option('--size <voxels>', "along a volume's longest axis (default: 96; --only-data: 128)", parseCount)
    .option('--steps <n>', 'of the pretraining', parseCount, defaults.steps)
    .option('--seed <n>', 'the same one gives the same result (default: 0)', parseWhole)
    .option('--datasets <list>', 'of ixi,oasis3,brats21,fastmri (--only-data; default: all)', (text) =>
      text.split(','),
    )
    .option(
      '--template <file>',
      "a T1 volume of a real head to deform; 'auto': one that other tools brought; 'none': heads from formulas " +
        '(default: auto; --only-data: none)',
    )
    .option('--threads <n>', 'subjects at a time (--only-data; default: all processors)', parseCount)
    .option('--json', 'print one JSON object a line', false)
    .action(async ({ onlyData, steps, json, ...options }: DemoFlags) => {
      await withInterrupt((signal) =>
        onlyData ? writeData(options, json, signal) : run({ ...options, steps }, json, signal),
      )
    })
}

async function writeData(
  { template = 'none', ...given }: CohortOptions,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const real = template === 'auto' ? await findTemplate() : template === 'none' ? undefined : template
  const options = { ...given, ...(real === undefined ? {} : { template: real }) }
  const progress = makeProgress('drawing subjects', json)
  try {
    const onProgress = (done: number, total: number): void => {
      progress.update(done, total)
    }
    const done = await writeCohort(options, { signal, onProgress })
    progress.stop()
    const { out, subjects, volumes, seconds } = done
    if (json) printJson({ event: 'done', ...done })
    else printLine(`${out}: ${volumes} volumes of ${subjects} subjects in ${seconds.toFixed(1)} s`)
  } finally {
    progress.stop()
  }
}

async function run(
  flags: CohortOptions & { steps: number },
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const {
    out,
    steps,
    template = 'auto',
    subjects = defaults.subjects,
    size = defaults.size,
    seed = defaults.seed,
  } = flags
  const bars: Progress[] = []
  let stage = ''
  const bar = (name: string): Progress => {
    if (name !== stage) {
      bars.at(-1)?.stop()
      bars.push(makeProgress(name, json))
      stage = name
    }
    return bars.at(-1) ?? makeProgress(name, json)
  }
  try {
    const watcher = {
      template(path: string | undefined): void {
        const found = path === undefined ? 'drawn from formulas' : `deformed from ${path}`
        if (!json) printNote(`heads are ${found}`)
      },
      progress(name: 'drawing' | 'curating', done: number, total: number): void {
        bar(name).update(done, total)
      },
      event(event: Parameters<typeof showEvent>[0]): void {
        if (event.type !== 'done') showEvent(event, bar('pretraining'))
      },
    }
    const options = {
      out,
      subjects,
      size,
      steps,
      seed,
      signal,
      template,
    }
    const result = await runDemo(options, watcher)
    bars.at(-1)?.stop()
    if (json) printJson({ event: 'done', ...result })
    else show(result)
    if (result.pretrained.balancedAccuracy <= result.untrained.balancedAccuracy) {
      printNote('the pretraining did not improve on the untrained network')
      process.exitCode = exitCode.failed
    }
  } finally {
    bars.at(-1)?.stop()
  }
}

function show({ untrained, pretrained, backbone, report, reports }: DemoResult): void {
  const percent = (value: number): string => `${(100 * value).toFixed(1).padStart(5)} %`
  const { classes, trained, tested } = pretrained
  printLine(
    `\na linear probe told ${classes.join(', ')} apart: learned on ${trained} slices, asked of ${tested} slices of ` +
      'other subjects',
  )
  printLine(`  by guessing           ${percent(1 / classes.length)}`)
  printLine(`  untrained network     ${percent(untrained.balancedAccuracy)}`)
  printLine(`  pretrained network    ${percent(pretrained.balancedAccuracy)}`)
  printLine(`\nweights: ${backbone}`)
  printLine(`report:  ${report}`)
  for (const other of reports) printLine(`         ${other}`)
}
