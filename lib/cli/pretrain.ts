// `gyrus pretrain`: curated slices into a pretrained encoder.
import { Command, Option } from 'commander'
import { architectures } from '../options/model.js'
import type { PretrainConfig } from '../options/pretrain.js'
import { readConfig } from '../run/config-file.js'
import { optimizerOf } from '../pretrain/config.js'
import type { PretrainEvent } from '../pretrain/events.js'
import { pretrainJsonSchema } from '../pretrain/json-schema.js'
import { pretrain } from '../pretrain/pretrain.js'
import { presets } from '../pretrain/presets.js'
import { parseCount, parseNumber, parseWhole } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { makeProgress, type Progress } from './progress.js'
import { printJson, printLine, printNote } from './report.js'

/** Flags that are settings under the same name. */
type Settings = Omit<Partial<PretrainConfig>, 'optimizer' | 'probe'> & {
  data?: string
  out?: string
}
export interface PretrainFlags extends Settings {
  config?: string
  optimizer?: 'adamw' | 'lars' | 'lars_solo' | 'sgd'
  weightDecay?: number
  probe?: string
}

/** The flags that say what to train, which `gyrus plan` takes too. */
export function addTrainingFlags(command: Command): Command {
  return command
    .option('--data <dir>', 'a folder that `gyrus curate` wrote')
    .option('--config <file>', 'settings in YAML or JSON; flags go before them')
    .addOption(new Option('--preset <name>', 'settings to start from').choices(Object.keys(presets)))
    .option('--arch <name>', `architecture: ${architectures.join(', ')}`)
    .addOption(new Option('--method <name>', 'how it learns').choices(['mocov3', 'simclr']))
    .option('--image-size <pixels>', 'side of a view', parseCount)
    .option('--batch-size <n>', 'images a step', parseCount)
    .option('--micro-batch <n>', 'images in memory at once, with the loss of the whole batch', parseCount)
    .option('--epochs <x>', 'passes over the training slices', parseNumber)
    .option('--steps <n>', 'instead of epochs', parseCount)
    .option('--warmup-epochs <x>', 'over which the learning rate rises', parseNumber)
    .option('--base-lr <x>', 'learning rate for 256 images a step; scaled by the batch', parseNumber)
    .addOption(
      new Option('--optimizer <name>', 'with its own defaults').choices([
        'adamw',
        'lars',
        'lars_solo',
        'sgd',
      ]),
    )
    .option('--weight-decay <x>', 'of the optimizer', parseNumber)
    .option('--temperature <x>', 'of the contrastive loss', parseNumber)
    .option('--momentum <x>', 'of the momentum encoder, at the start', parseNumber)
    .option('--crop-min <x>', 'smallest share of a slice that a view shows', parseNumber)
    .option('--probe <csv>', 'labels of slices for a nearest-neighbour probe at each checkpoint')
    .option('--save-every <n>', 'steps between checkpoints', parseCount)
    .addOption(new Option('--device <name>', 'where to compute').choices(['auto', 'cpu', 'cuda']))
    .addOption(new Option('--precision <name>', 'what to compute in').choices(['auto', 'f32', 'bf16']))
    .option('--threads <n>', 'threads to compute with', parseCount)
    .option('--loader-threads <n>', 'threads that augment', parseCount)
    .option('--seed <n>', 'of all that is random (default: 0)', parseWhole)
    .option('--json', 'print one JSON object a line', false)
}

export function pretrainCommand(): Command {
  const command = new Command('pretrain')
    .description('pretrain an encoder on curated slices without labels')
    .option('--out <dir>', 'the run folder')
    .option('--resume', 'continue the run in the folder, if there is one', false)
    .option('--overwrite', 'remove the run in the folder first', false)
    .option('--print-schema', 'print the JSON Schema of the configuration file, and no more', false)
  return addTrainingFlags(command).action(
    async ({
      json,
      resume,
      overwrite,
      printSchema,
      ...flags
    }: PretrainFlags & { json: boolean; resume: boolean; overwrite: boolean; printSchema: boolean }) => {
      if (printSchema) {
        printLine(JSON.stringify(pretrainJsonSchema(), undefined, 2))
        return
      }
      const config = await toConfig(flags)
      await withInterrupt((signal) => run(config, { resume, overwrite }, json, signal), ['SIGUSR1'])
    },
  )
}

/** The configuration file under the flags. What is missing is reported by name when it is parsed. */
export async function toConfig(flags: PretrainFlags): Promise<PretrainConfig> {
  const { config, optimizer, weightDecay, probe, ...settings } = flags
  const file = config === undefined ? {} : await readConfig(config)
  const merged = {
    ...file,
    ...settings,
    ...(optimizer === undefined ? {} : { optimizer: { name: optimizer } }),
    ...(probe === undefined ? {} : { probe: { labels: probe } }),
  } as PretrainConfig
  if (weightDecay === undefined) return merged
  // Of the optimizer that is named, or else the file's, or else the preset's.
  return { ...merged, optimizer: { ...(merged.optimizer ?? optimizerOf(merged)), weightDecay } }
}

async function run(
  config: PretrainConfig,
  options: { resume: boolean; overwrite: boolean },
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const progress = makeProgress('pretraining', json)
  try {
    for await (const event of pretrain(config, { ...options, signal })) {
      if (json) printJson(toLine(event))
      else showEvent(event, progress)
    }
  } finally {
    progress.stop()
  }
}

function toLine({ type, ...facts }: PretrainEvent): object {
  return { event: type, ...facts }
}

function placeOf(event: Extract<PretrainEvent, { type: 'start' }>): string {
  const { device, precision, threads, augmentedOn } = event
  const views = augmentedOn === 'cpu' ? '' : ', views made on the GPU'
  return `on ${device} in ${precision} with ${threads} threads${views}`
}

/** An event in words, or on the bar. */
export function showEvent(event: PretrainEvent, progress: Progress): void {
  switch (event.type) {
    case 'start':
      if (event.resumed > 0) printNote(`continuing behind step ${event.resumed} of ${event.steps}`)
      printNote(
        `${event.slices} slices, ${event.steps} steps of ${event.stepsPerEpoch} an epoch, ${placeOf(event)}; ` +
          `a loss of ${event.chance.toFixed(3)} is chance`,
      )
      return
    case 'step':
      progress.update(event.step, event.steps, {
        loss: event.loss.toFixed(3),
        top1: `${(100 * event.top1).toFixed(0)} % top-1`,
        rate: `${event.pairsPerSecond.toPrecision(3)} pairs/s`,
        ...(event.probe === undefined ? {} : { probe: `probe ${(100 * event.probe).toFixed(1)} %` }),
      })
      return
    case 'checkpoint':
      return
    case 'warning':
      printNote(event.message)
      return
    case 'done':
      progress.stop()
      printLine(`${event.out}: ${event.steps} steps in ${event.seconds.toFixed(1)} s`)
      printLine(`  weights  ${event.backbone}`)
      printLine(`  report   ${event.report}`)
  }
}
