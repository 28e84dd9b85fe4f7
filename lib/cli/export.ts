// `gyrus export`: an encoder's weights for other libraries, with its classifier or without, or the network as ONNX.
import { Command, Option } from 'commander'
import { Encoder } from '../encoder.js'
import { GyrusError, invalidOption } from '../errors.js'
import { exportForms, type EncoderOptions, type SaveEncoderOptions } from '../options/encoder.js'
import type { LoadReport } from '../native.js'
import { SupervisedTrainer } from '../supervised-trainer.js'
import { inspectWeights } from '../weights/inspect.js'
import { loadSummary } from '../weights/load-summary.js'
import { findWeights, type FoundWeights } from '../weights/run-weights.js'
import { parseCount, parseImageSize } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { printJson, printLine } from './report.js'

interface ExportFlags {
  weights: string
  arch?: EncoderOptions['arch']
  output: string
  form: NonNullable<SaveEncoderOptions['form']>
  imageSize?: number | [number, number]
  channels?: number
  heads?: number
  classifier: boolean
  json: boolean
}

export function exportCommand(): Command {
  return new Command('export')
    .description('write the weights of an encoder for torchvision, timm, moco-v3 or an ONNX runtime')
    .requiredOption('--weights <path>', 'a file of weights, or the folder of a run')
    .option('--arch <name>', 'architecture: resnet50, vit_small_patch16_224, ...; default: the run’s')
    .requiredOption('--output <file>', 'file to write: safetensors, or onnx')
    .addOption(new Option('--form <name>', 'whose names, or onnx').choices(exportForms).default('timm'))
    .option('--image-size <size>', 'pixels of an image; default: the run’s, or 224', parseImageSize)
    .option(
      '--channels <n>',
      "of its reader's images, 1 or 3; default: the run’s, or the weights’",
      parseCount,
    )
    .option('--classifier', 'the classifier as well: what a fine-tuning has behind its encoder', false)
    .option('--heads <n>', "attention heads of a ViT; default: the architecture's own", parseCount)
    .option('--json', 'print one JSON object a line', false)
    .action(async (flags: ExportFlags) => {
      await withInterrupt((signal) => run(flags, signal))
    })
}

/** The channels of the file, and those with which the network is made: a stem of one is unfolded when it is written. */
function channelsOf(
  { channels }: ExportFlags,
  found: FoundWeights,
  stored: number,
): { channels: 1 | 3; loaded: number } {
  const wanted = channels ?? found.channels ?? (stored === 0 ? 3 : stored)
  if (wanted !== 1 && wanted !== 3) throw invalidOption('export: channels', '1 or 3', wanted, 'range')
  return { channels: wanted, loaded: wanted === 3 && stored === 1 ? 1 : wanted }
}

async function run(flags: ExportFlags, signal: AbortSignal): Promise<void> {
  const { output, form, json } = flags
  const found = await findWeights(flags.weights)
  const arch = (flags.arch ?? found.arch) as EncoderOptions['arch'] | undefined
  const imageSize = flags.imageSize ?? found.imageSize
  const heads = flags.heads ?? found.heads
  if (arch === undefined) throw invalidOption('export: arch', 'given (--arch) with a file of weights', arch)
  const facts = await inspectWeights({ arch, heads }, found.path)
  const { channels, loaded } = channelsOf(flags, found, facts.channels)
  const network = {
    ...{ arch, channels: loaded, precision: 'f32' as const },
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(heads === undefined ? {} : { heads }),
  }
  if (flags.classifier && facts.classes === 0)
    throw new GyrusError(
      'ERR_GYRUS_WEIGHTS_MISMATCH',
      `${found.path} has no linear classifier: leave out --classifier, or name a fine-tuning`,
    )
  const read = flags.classifier
    ? await exportClassifier(
        { ...network, classes: facts.classes },
        found.path,
        output,
        { form, channels },
        signal,
      )
    : await exportEncoder(
        network,
        found.path,
        output,
        { form, channels, mean: found.mean, std: found.std },
        signal,
      )
  if (!json) {
    printLine(`${found.path}: ${loadSummary(read)}`)
    printLine(`${output}: ${read.matched.length} tensors as ${form}`)
    return
  }
  const { form: from, matched, adapted, folded, ignored } = read
  const report = { output, form, from, weights: found.path, tensors: matched.length, channels }
  printJson({ event: 'done', ...report, adapted: adapted.length, folded, ignored })
}

type Network = Omit<EncoderOptions, 'weights' | 'seed'>

async function exportEncoder(
  network: Network,
  weights: string,
  output: string,
  options: SaveEncoderOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  await using encoder = await Encoder.load({ ...network, weights }, { signal })
  await encoder.save(output, options)
  return encoder.loadReport
}

async function exportClassifier(
  network: Network & { classes: number },
  weights: string,
  output: string,
  options: SaveEncoderOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  await using trainer = await SupervisedTrainer.create(
    { ...network, batchSize: 2, device: 'cpu' },
    { signal },
  )
  const report = await trainer.load(weights)
  await trainer.export(output, options)
  return report
}
