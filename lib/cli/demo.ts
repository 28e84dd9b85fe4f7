// `gyrus demo --only-data`: a cohort of simulated brain MRI to try the other commands on.
import { Command } from 'commander'
import { writeCohort } from '../cohort/cohort.js'
import { invalidOption } from '../errors.js'
import type { CohortOptions } from '../options/cohort.js'
import { parseCount, parseWhole } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { makeProgress } from './progress.js'
import { printJson, printLine } from './report.js'

type DemoFlags = CohortOptions & { onlyData: boolean; json: boolean }

export function demoCommand(): Command {
  return new Command('demo')
    .description('write a cohort of simulated brain MRI in the layouts of four archives')
    .option('--only-data', 'write the cohort, and train nothing', false)
    .requiredOption('--out <dir>', 'folder to write')
    .option('--overwrite', 'remove the cohort that is in the folder', false)
    .option('--subjects <n>', 'in all, dealt to the archives in turn (default: 24)', parseCount)
    .option('--size <voxels>', "along a volume's longest axis (default: 128)", parseCount)
    .option('--seed <n>', 'the same one gives the same bytes (default: 0)', parseWhole)
    .option('--datasets <list>', 'of ixi,oasis3,brats21,fastmri (default: all)', (text) => text.split(','))
    .option('--template <file>', 'a T1 volume of a real head to deform, instead of formulas')
    .option('--threads <n>', 'subjects at a time (default: all processors)', parseCount)
    .option('--json', 'print one JSON object a line', false)
    .action(async ({ onlyData, json, ...options }: DemoFlags) => {
      if (!onlyData)
        throw invalidOption(
          'demo: onlyData',
          'true, as the command has only the data for now (pass --only-data; `npm run demo` in the repository ' +
            'runs the pretraining)',
          onlyData,
        )
      await withInterrupt((signal) => run(options, json, signal))
    })
}

async function run(options: CohortOptions, json: boolean, signal: AbortSignal): Promise<void> {
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
