// `gyrus compare`: arms x seeds x label fractions on one set of images, and the table that says what they are worth.
import { Command, InvalidArgumentError } from 'commander'
import type { CompareConfig } from '../options/classify.js'
import { compare } from '../tasks/classify/compare.js'
import type { CompareEvent } from '../tasks/classify/events.js'
import {
  addFolderFlags,
  addImageFlags,
  addLearningFlags,
  addNetworkFlags,
  configOf,
} from './classify-flags.js'
import { withInterrupt } from './interrupt.js'
import { makeProgress, type Progress } from './progress.js'
import { printJson, printLine, printNote } from './report.js'

interface Arm {
  name: string
  weights?: string
}
type Flags = Record<string, unknown> & {
  json: boolean
  resume: boolean
  overwrite: boolean
  arm?: Arm[]
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .description('compare pretrained encoders by what they add to a classifier')
    .option(
      '--arm <name=file>',
      'weights to compare, "name" alone for a random start; again for each',
      addArm,
    )
    .option('--reference <name>', 'the arm that the others are measured against (default: the first)')
    .option('--seeds <list>', 'how many, or numbers with commas (default: 5)', parseSeeds)
    .option(
      '--label-fractions <list>',
      'shares of the training images, with commas (default: 1)',
      parseShares,
    )
  for (const add of [addFolderFlags, addImageFlags, addNetworkFlags, addLearningFlags]) add(command)
  return command.action(async ({ json, resume, overwrite, arm, ...flags }: Flags) => {
    const own = await configOf(flags)
    const config = { ...own, ...(arm === undefined ? {} : { arms: arm }) } as unknown as CompareConfig
    await withInterrupt((signal) => run(config, { resume, overwrite }, json, signal))
  })
}

function addArm(text: string, before: Arm[] = []): Arm[] {
  const at = text.indexOf('=')
  const arm = at < 0 ? { name: text } : { name: text.slice(0, at), weights: text.slice(at + 1) }
  return [...before, arm]
}

function parseNumbers(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  if (numbers.some(Number.isNaN))
    throw new InvalidArgumentError('It must be a number, or numbers with commas.')
  return numbers
}

function parseSeeds(text: string): number | number[] {
  const numbers = parseNumbers(text)
  return numbers.length === 1 ? (numbers[0] ?? 0) : numbers
}

function parseShares(text: string): number[] {
  return parseNumbers(text)
}

async function run(
  config: CompareConfig,
  options: { resume: boolean; overwrite: boolean },
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const progress = makeProgress('comparing', json)
  try {
    for await (const { type, ...facts } of compare(config, { ...options, signal })) {
      if (json) printJson({ event: type, ...facts })
      else show({ type, ...facts } as CompareEvent, progress)
    }
  } finally {
    progress.stop()
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function show(event: CompareEvent, progress: Progress): void {
  switch (event.type) {
    case 'preparing':
      if (event.done === event.total) printNote(`${event.total} images are resized`)
      return
    case 'start':
      if (event.finished > 0) printNote(`${event.finished} of ${event.cells} cells are finished already`)
      printNote(
        `${event.classes.join(', ')}: ${event.train} images to train on, ` +
          `${event.val} to validate, ${event.test} to test; ` +
          `${event.cells} cells`,
      )
      return
    case 'warning':
      printNote(event.message)
      return
    case 'epoch':
      return
    case 'cell':
      printNote(
        `${event.cell}: accuracy ${percent(event.accuracy)}, F1 ${percent(event.f1)} in ${event.seconds.toFixed(1)} s`,
      )
      progress.update(event.done, event.cells)
      return
    case 'done':
      progress.stop()
      for (const verdict of event.verdicts) printLine(verdict)
      printLine(`${event.out}: done in ${event.seconds.toFixed(1)} s`)
      printLine(`  report   ${event.report}`)
  }
}
