// What `gyrus finetune`, `evaluate` and `compare` have in common: flags of the images, the network and the machine.
import { Option, type Command } from 'commander'
import { architectures } from '../options/model.js'
import { readConfig } from '../run/config-file.js'
import { parseCount, parseNumber, parseNumbers, parseWhole } from './arguments.js'

export function addImageFlags(command: Command): Command {
  return command
    .option(
      '--data <dir>',
      'class folders (with or without Training and Testing), .mat files of Cheng, or curated',
    )
    .option('--labels <csv>', 'of a curated folder: a column `label` and columns of the manifest')
    .option('--config <file>', 'settings in YAML or JSON; flags go before them')
    .option('--slice-size <pixels>', 'side to which image files are resized first (default: 256)', parseCount)
    .addOption(new Option('--fit <how>', 'images that are not square').choices(['crop', 'pad', 'stretch']))
    .option('--cache <dir>', 'where resized images go (default: data in the output folder)')
    .option('--skip-unreadable', 'leave out images that cannot be read')
    .option('--val-fraction <x>', 'for early stopping, where the set has no val (default: 0.15)', parseNumber)
    .option('--test-fraction <x>', 'where the set has no split (default: 0.2)', parseNumber)
    .option('--fold <k>', 'test on this fold, from 1: of cvind.mat, or drawn by patients', parseCount)
    .option('--folds <n>', 'how many folds are drawn (default: 5)', parseCount)
    .option('--split-seed <n>', 'of those draws (default: 0)', parseWhole)
}

export function addNetworkFlags(command: Command): Command {
  return command
    .option('--arch <name>', `architecture: ${architectures.join(', ')} (default: resnet50)`)
    .option('--image-size <pixels>', 'side of what the network sees (default: 224)', parseCount)
    .option('--channels <n>', 'of the network, 1 or 3 (default: 1)', parseCount)
    .option(
      '--heads <n>',
      "attention heads of a ViT, when they differ from the architecture's own",
      parseCount,
    )
    .option(
      '--has-trainable-positions',
      'ViT: learned position embeddings (timm) instead of sines and cosines',
    )
    .option(
      '--mean <x>',
      'subtracted from values between 0 and 1 (default: 0.449); with 3 channels also three, as 0.485,0.456,0.406',
      parseNumbers,
    )
    .option('--std <x>', 'by which they are then divided (default: 0.226); the same', parseNumbers)
    .option('--test-side <x>', "share of an image's side that is tested on (default: 0.875)", parseNumber)
    .option('--batch-size <n>', 'images a step (default: 32)', parseCount)
    .addOption(new Option('--device <name>', 'where to compute').choices(['auto', 'cpu', 'cuda']))
    .addOption(new Option('--precision <name>', 'what to compute in').choices(['auto', 'f32', 'bf16']))
    .option('--threads <n>', 'threads to compute with', parseCount)
    .option('--loader-threads <n>', 'threads that augment (default: 1)', parseCount)
}

export function addLearningFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--method <name>', 'train everything, or a linear classifier on frozen features').choices([
        'finetune',
        'linear',
      ]),
    )
    .option('--epochs <n>', 'passes over the training images, at most (default: 50)', parseCount)
    .option('--warmup-epochs <x>', 'over which the learning rate rises (default: a tenth)', parseNumber)
    .option('--lr <x>', 'peak learning rate (default: 0.0005)', parseNumber)
    .addOption(new Option('--optimizer <name>', 'with its own defaults').choices(['adamw', 'sgd']))
    .option('--weight-decay <x>', 'of the optimizer (default: 0.05 with AdamW)', parseNumber)
    .option('--layer-decay <x>', 'of the learning rate, layer by layer (default: 1, none)', parseNumber)
    .option('--label-smoothing <x>', 'share of the target given to all classes', parseNumber)
    .option(
      '--class-weights <how>',
      "in the loss: none, balanced, or numbers with commas in the order of the classes' names",
      parseClassWeights,
    )
    .option('--mixup <alpha>', 'mixes pairs of images (default: 0, none)', parseNumber)
    .option('--drop-path <x>', 'ViT: stochastic depth (default: 0)', parseNumber)
    .option('--patience <n>', 'epochs without a better one that end training (default: 15)', parseCount)
    .addOption(new Option('--select-by <score>', 'of the best epoch').choices(['accuracy', 'f1', 'loss']))
}

export function addFolderFlags(command: Command): Command {
  return command
    .option('--out <dir>', 'the output folder')
    .option('--resume', 'go on with what is in the folder', false)
    .option('--overwrite', 'remove what is in the folder first', false)
    .option('--json', 'print one JSON object a line', false)
}

function parseClassWeights(text: string): string | number[] {
  return /^[a-z]+$/.test(text) ? text : [parseNumbers(text)].flat()
}

/** The configuration file under the flags; what is missing is reported by name when it is parsed. */
export async function configOf(flags: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const { config, optimizer, weightDecay, ...own } = flags
  const file = typeof config === 'string' ? await readConfig(config) : {}
  const named = optimizer === undefined ? file['optimizer'] : { name: optimizer }
  if (weightDecay === undefined)
    return { ...file, ...own, ...(named === undefined ? {} : { optimizer: named }) }
  const base = typeof named === 'object' ? named : { name: 'adamw', decaysVectors: false }
  return { ...file, ...own, optimizer: { ...base, weightDecay } }
}
