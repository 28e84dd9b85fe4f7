// `gyrus compare`: arms x seeds x label fractions on one set of images, and the table that says what they are worth.
import { Command } from 'commander'
import type { CompareConfig } from '../options/classify.js'
import { shareOfLabels } from '../tasks/classify/cells.js'
import { compare } from '../tasks/classify/compare.js'
import type { CompareEvent, ComparisonRow } from '../tasks/classify/events.js'
import {
  addFolderFlags,
  addImageFlags,
  addLearningFlags,
  addNetworkFlags,
  configOf,
} from './classify-flags.js'
import { parseNumbers } from './arguments.js'
import { makeStages, type Stages } from './classify-progress.js'
import { withInterrupt } from './interrupt.js'
import { printJson, printLine, printNote } from './report.js'

type Arm = Record<string, unknown> & { name: string }
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
      'weights to compare, "name" alone for a random start, settings of the arm behind it: ' +
        'name=file,arch=resnet50_v1,mean=0.5,std=0.25,channels=3; again for each',
      addArm,
    )
    .option('--reference <name>', 'the arm that the others are measured against (default: the first)')
    .option('--seeds <list>', 'how many, or numbers with commas (default: 5)', parseSeeds)
    .option('--label-fractions <list>', 'shares of the training images, with commas (default: 1)', parseList)
    .option('--lrs <list>', 'learning rates, of which each cell takes the best on validation', parseList)
  for (const add of [addFolderFlags, addImageFlags, addNetworkFlags, addLearningFlags]) add(command)
  return command.action(async ({ json, resume, overwrite, arm, ...flags }: Flags) => {
    const own = await configOf(flags)
    const config = { ...own, ...(arm === undefined ? {} : { arms: arm }) } as unknown as CompareConfig
    await withInterrupt((signal) => run(config, { resume, overwrite }, json, signal))
  })
}

/** "name", "name=file", and behind either settings: "radimagenet=f.pth,arch=resnet50_v1,mean=0.485,0.456,0.406". */
function addArm(text: string, before: Arm[] = []): Arm[] {
  const [first = '', ...settings] = text.split(/,(?=[a-z][a-z-]*=)/i)
  const [name, weights] = cut(first)
  const own = settings.map((setting) => {
    const [key, value = ''] = cut(setting)
    return [key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()), valueOf(value)] as const
  })
  return [...before, { name, ...(weights === undefined ? {} : { weights }), ...Object.fromEntries(own) }]
}

function cut(text: string): [string, string?] {
  const at = text.indexOf('=')
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** Numbers, lists of numbers, true and false; anything else is a name. */
function valueOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  if (numbers.some(Number.isNaN)) return text
  return numbers.length === 1 ? numbers[0] : numbers
}

function parseSeeds(text: string): number | number[] {
  return parseNumbers(text)
}

function parseList(text: string): number[] {
  return [parseNumbers(text)].flat()
}

async function run(
  config: CompareConfig,
  options: { resume: boolean; overwrite: boolean },
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const progress = makeStages('comparing', json)
  let done = { cells: 0, of: 1 }
  try {
    for await (const { type, ...facts } of compare(config, { ...options, signal })) {
      const event = { type, ...facts } as CompareEvent
      if (event.type === 'start') done = { cells: event.finished, of: event.cells }
      if (event.type === 'cell') done = { cells: event.done, of: event.cells }
      if (json) printJson({ event: type, ...facts })
      else show(event, progress, done)
    }
  } finally {
    progress.stop()
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const columns = [
  ['accuracy', 'accuracy'],
  ['macroPrecision', 'precision'],
  ['macroRecall', 'recall'],
  ['f1', 'F1'],
] as const

/** Means over the seeds and their standard deviations. */
function tableOf(rows: readonly ComparisonRow[]): string[] {
  const names = rows.map(({ arm, labelFraction }) => `${arm}${shareOfLabels(labelFraction, ', ')}`)
  const first = Math.max(3, ...names.map(({ length }) => length))
  const width = 14
  const cell = ({ mean, deviation }: ComparisonRow, name: (typeof columns)[number][0]): string =>
    `${(100 * mean[name]).toFixed(1)}${Number.isNaN(deviation[name]) ? '' : ` ± ${(100 * deviation[name]).toFixed(1)}`}`
  const head = ['arm'.padEnd(first), ...columns.map(([, title]) => `${title}, %`.padStart(width))].join('')
  return [
    head,
    ...rows.map((row, at) =>
      [(names[at] ?? '').padEnd(first), ...columns.map(([name]) => cell(row, name).padStart(width))].join(''),
    ),
  ]
}

function show(event: CompareEvent, progress: Stages, done: { cells: number; of: number }): void {
  switch (event.type) {
    case 'preparing':
      progress.prepare(event.done, event.total)
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
    case 'epoch': {
      const rate = event.rate === undefined ? '' : `, lr ${event.rate}`
      progress.update(done.cells, done.of, {
        cell: `${event.cell}${rate}: epoch ${event.epoch} of ${event.epochs}`,
      })
      return
    }
    case 'cell':
      printNote(
        `${event.cell}: accuracy ${percent(event.accuracy)}, F1 ${percent(event.f1)} in ${event.seconds.toFixed(1)} s`,
      )
      progress.update(event.done, event.cells)
      return
    case 'done':
      progress.stop()
      for (const line of tableOf(event.rows)) printLine(line)
      for (const verdict of event.verdicts) printLine(verdict)
      printLine(`${event.out}: done in ${event.seconds.toFixed(1)} s`)
      printLine(`  report   ${event.report}`)
  }
}
