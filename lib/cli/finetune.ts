// `gyrus finetune classify`: a classifier from labelled images and a pretrained encoder, or from a random start.
import { Command } from 'commander'
import type { FinetuneConfig } from '../options/classify.js'
import type { FinetuneEvent } from '../tasks/classify/events.js'
import { finetune } from '../tasks/classify/finetune.js'
import { parseNumber, parseWhole } from './arguments.js'
import {
  addFolderFlags,
  addImageFlags,
  addLearningFlags,
  addNetworkFlags,
  configOf,
} from './classify-flags.js'
import { withInterrupt } from './interrupt.js'
import { makeStages, type Stages } from './classify-progress.js'
import { printJson, printLine, printNote } from './report.js'

type Flags = Record<string, unknown> & { json: boolean; resume: boolean; overwrite: boolean }

export function finetuneCommand(): Command {
  const classify = new Command('classify')
    .description('fine-tune a classifier on labelled images and test it')
    .option('--weights <file>', "a backbone's file, or a pretraining's folder; a random start without")
    .option('--label-fraction <x>', 'share of the training images (default: 1)', parseNumber)
    .option('--save-seconds <x>', 'between states that a killed run goes on from (default: 60)', parseNumber)
    .option('--seed <n>', 'of all that is random (default: 0)', parseWhole)
  for (const add of [addFolderFlags, addImageFlags, addNetworkFlags, addLearningFlags]) add(classify)
  classify.action(async ({ json, resume, overwrite, ...flags }: Flags) => {
    const config = (await configOf(flags)) as unknown as FinetuneConfig
    await withInterrupt((signal) => run(config, { resume, overwrite }, json, signal))
  })
  return new Command('finetune').description('train a task on labelled images').addCommand(classify)
}

async function run(
  config: FinetuneConfig,
  options: { resume: boolean; overwrite: boolean },
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const progress = makeStages('fine-tuning', json)
  try {
    for await (const { type, ...facts } of finetune(config, { ...options, signal })) {
      if (json) printJson({ event: type, ...facts })
      else show({ type, ...facts } as FinetuneEvent, progress)
    }
  } finally {
    progress.stop()
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function show(event: FinetuneEvent, progress: Stages): void {
  switch (event.type) {
    case 'preparing':
      progress.prepare(event.done, event.total)
      return
    case 'start':
      printNote(
        `${event.classes.join(', ')}: ${event.train} images to train on, ` +
          `${event.val} to validate, ${event.test} to test`,
      )
      return
    case 'warning':
      printNote(event.message)
      return
    case 'epoch':
      progress.update(event.epoch, event.epochs, {
        loss: `loss ${event.loss.toFixed(3)}`,
        ...(event.valAccuracy === undefined ? {} : { val: `validation ${percent(event.valAccuracy)}` }),
      })
      return
    case 'done': {
      const { figures } = event
      const { low, high } = figures.intervals.accuracy
      progress.stop()
      printLine(
        `${event.out}: accuracy ${percent(figures.accuracy)} (${percent(low)} to ${percent(high)}) ` +
          `on ${figures.count} images`,
      )
      printLine(
        `  precision ${percent(figures.macroPrecision)}, recall ${percent(figures.macroRecall)}, ` +
          `F1 ${percent(figures.f1)}`,
      )
      printLine(`  weights  ${event.weights}`)
      printLine(`  report   ${event.report}`)
    }
  }
}
