// `gyrus curate`: archives of brain MRI into a filtered and documented set of slices.
import { Command, InvalidArgumentError, Option } from 'commander'
import { curate } from '../curate/curate.js'
import type { CurateEvent } from '../curate/events.js'
import { datasetNames, losses } from '../datasets/source.js'
import type { CurateOptions } from '../options/curate.js'
import { parseCount, parseNumber, parseWhole } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { makeProgress } from './progress.js'
import { exitCode, printJson, printLine, printNote } from './report.js'

type CurateFlags = Omit<CurateOptions, 'roots' | 'quotas'> & { quota?: Record<string, number>; json: boolean }

function parsePair(text: string): [number, number] {
  const [low, high, ...rest] = text.split(',').map(parseNumber)
  if (low === undefined || high === undefined || rest.length > 0)
    throw new InvalidArgumentError('It must be two numbers like 0.2,0.8.')
  return [low, high]
}

const parseList = (text: string): string[] => text.split(',').map((word) => word.trim())

function addQuota(text: string, quotas: Record<string, number> = {}): Record<string, number> {
  const [name, count, ...rest] = text.split('=')
  if (name === undefined || name === '' || count === undefined || rest.length > 0)
    throw new InvalidArgumentError('It must be like ixi=20000.')
  return { ...quotas, [name]: parseWhole(count) }
}

export function curateCommand(): Command {
  return new Command('curate')
    .description('filter the slices of brain-MRI archives by entropy and position')
    .argument('<root...>', 'folders that hold fastMRI, OASIS-3, IXI, BraTS21, or any volumes and images')
    .requiredOption('--out <dir>', 'folder to write; an interrupted run in it is continued')
    .option('--overwrite', 'remove what another run left in the folder', false)
    .addOption(
      new Option('--dataset <name>', 'what the roots are, instead of finding out').choices(datasetNames),
    )
    .option('--parts <list>', "archives' own splits to take, such as train,val (default: train)", parseList)
    .option('--contrasts <list>', 'only these, such as t1,flair', parseList)
    .option('--include-mra', 'take angiographies too', false)
    .option('--include-dti', 'take diffusion images too', false)
    .addOption(
      new Option('--plane <name>', 'how to slice (default: axial)').choices(['axial', 'coronal', 'sagittal']),
    )
    .option('--frame <n>', 'which volume of a 4-D file (default: 0)', parseWhole)
    .option('--percentiles <low,high>', 'between which a volume is scaled (default: 0.5,99.5)', parsePair)
    .addOption(
      new Option('--percentiles-of <what>', 'voxels that count (default: nonzero)').choices([
        'nonzero',
        'all',
      ]),
    )
    .addOption(
      new Option(
        '--entropy-over <what>',
        'all of a slice, or the box around what is not zero (default: slice)',
      ).choices(['slice', 'box']),
    )
    .option('--foreground-threshold <x>', 'scaled values above are foreground (default: 0.1)', parseNumber)
    .option('--entropy-min <bits>', 'drop slices below (default: 1)', parseNumber)
    .option('--entropy-max <bits>', 'drop slices above (default: 8)', parseNumber)
    .option(
      '--position <low,high>',
      'drop slices outside, 0 the lowest and 1 the highest (default: 0.2,0.8)',
      parsePair,
    )
    .option('--stride <n>', 'take only every n-th slice (default: 1)', parseCount)
    .option(
      '--keep-fraction <x>',
      "of each volume's slices, the richest in entropy (default: 0.125)",
      parseNumber,
    )
    .option('--keep <n>', 'slices to keep in all, instead of a fraction', parseCount)
    .addOption(
      new Option(
        '--rank-by <what>',
        'random: any slices within the windows stay, to compare with (default: entropy)',
      ).choices(['entropy', 'random']),
    )
    .addOption(
      new Option('--balance <what>', 'strata that share --keep in proportion (default: dataset)').choices([
        'none',
        'dataset',
        'contrast',
      ]),
    )
    .option('--quota <name=n>', 'slices to keep of one stratum; may be repeated', addQuota)
    .option('--size <pixels>', 'side of the written slices (default: 256)', parseCount)
    .option('--shard-rows <n>', 'slices a shard (default: 2048)', parseCount)
    .option('--val-fraction <x>', 'of the subjects, set aside for validation (default: 0.05)', parseNumber)
    .option('--seed <n>', 'of the choice of those subjects, and of random slices (default: 0)', parseWhole)
    .option(
      '--memory <MiB>',
      'of volumes and slices at work at once; a volume of more goes alone (default: 768)',
      parseCount,
    )
    .option(
      '--max-volume <MiB>',
      'that one volume may take; one of more is unreadable (default: 2048)',
      parseCount,
    )
    .option(
      '--threads <n>',
      'readers at work, of one volume or two each (default: one more than processors)',
      parseCount,
    )
    .option('--json', 'print one JSON object a line', false)
    .action(async (roots: string[], { json, quota, ...flags }: CurateFlags) => {
      const options = { ...flags, roots, ...(quota === undefined ? {} : { quotas: quota }) }
      await withInterrupt((signal) => run(options, json, signal))
    })
}

async function run(options: CurateOptions, json: boolean, signal: AbortSignal): Promise<void> {
  const progress = makeProgress('curating', json)
  try {
    for await (const event of curate(options, { signal })) show(event, json, progress)
  } finally {
    progress.stop()
  }
}

function show(event: CurateEvent, json: boolean, progress: ReturnType<typeof makeProgress>): void {
  switch (event.type) {
    case 'start':
      if (json) printJson({ event: 'start', ...withoutType(event) })
      else if (event.resumed > 0)
        printNote(`continuing: ${event.resumed} of ${event.volumes} volumes are done`)
      return
    case 'progress':
      progress.update(event.done, event.total, {
        kept: event.kept,
        slices: event.slices,
        rate: `${(event.megabytes / event.seconds).toFixed(0)} MB/s`,
      })
      return
    case 'unreadable':
      if (json) printJson({ event: 'unreadable', ...withoutType(event) })
      else printNote(`left out: ${event.message} [${event.code}]`)
      return
    case 'done':
      progress.stop()
      if (json) printJson({ event: 'done', ...withoutType(event) })
      else for (const line of summary(event)) printLine(line)
      if (event.unreadable > 0 || Object.keys(losses).some((reason) => (event.skipped[reason] ?? 0) > 0))
        process.exitCode = exitCode.failed
  }
}

function withoutType(event: CurateEvent): object {
  return Object.fromEntries(Object.entries(event).filter(([name]) => name !== 'type'))
}

function summary(done: CurateEvent & { type: 'done' }): string[] {
  const share = done.considered > 0 ? (100 * done.kept) / done.considered : 0
  const dropped = Object.entries(done.reasons).filter(([reason]) => reason !== 'kept')
  const skipped = Object.entries(done.skipped)
  return [
    `${done.out}: kept ${done.kept} of ${done.considered} slices (${share.toFixed(1)} %) of ${done.volumes} volumes ` +
      `in ${done.seconds.toFixed(1)} s`,
    ...dropped.map(([reason, count]) => `  ${reason.padEnd(18)} ${count}`),
    ...(done.unreadable > 0
      ? [`  ${done.unreadable} volumes could not be read: see unreadableFiles in curation.json`]
      : []),
    ...(skipped.length > 0 ? ['not considered, by file or folder (skipped.jsonl names them):'] : []),
    ...skipped.map(([reason, count]) => `  ${reason.padEnd(18)} ${count}`),
  ]
}
