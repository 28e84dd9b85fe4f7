// `gyrus evaluate`: a classifier that is there, on labelled images.
import { Command, Option } from 'commander'
import type { EvaluateConfig } from '../options/classify.js'
import { evaluate } from '../tasks/classify/evaluate.js'
import { addFolderFlags, addImageFlags, addNetworkFlags, configOf } from './classify-flags.js'
import { withInterrupt } from './interrupt.js'
import { printJson, printLine, printNote } from './report.js'

type Flags = Record<string, unknown> & { json: boolean; resume: boolean; overwrite: boolean }

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('test a classifier on labelled images')
    .option('--weights <file>', 'the folder of a fine-tuning, or a file with a classifier')
    .addOption(
      new Option('--match-classes <how>', "to those of a fine-tuning, 'name' unless given").choices([
        'name',
        'order',
      ]),
    )
    .addOption(new Option('--part <name>', 'which images').choices(['test', 'val', 'train', 'all']))
  for (const add of [addFolderFlags, addImageFlags, addNetworkFlags]) add(command)
  return command.action(async ({ json, resume, overwrite, ...flags }: Flags) => {
    const config = (await configOf(flags)) as unknown as EvaluateConfig
    await withInterrupt(async (signal) => {
      const { figures, classes, warnings, path } = await evaluate(config, { resume, overwrite, signal })
      if (json) {
        printJson({ event: 'done', classes, figures, warnings, path })
        return
      }
      for (const warning of warnings) printNote(warning)
      const names = ['accuracy', 'macroPrecision', 'macroRecall', 'f1', 'macroF1'] as const
      for (const name of names) {
        const { low, high } = figures.intervals[name]
        const share = (value: number): string => (100 * value).toFixed(2)
        printLine(`${name.padEnd(15)} ${share(figures[name])} % (${share(low)} to ${share(high)})`)
      }
      const { auroc, aurocInterval: area } = figures
      if (auroc !== undefined && area !== undefined)
        printLine(`auroc           ${auroc.toFixed(4)} (${area.low.toFixed(4)} to ${area.high.toFixed(4)})`)
      printLine(`${figures.count} images; all figures in ${path}`)
    })
  })
}
