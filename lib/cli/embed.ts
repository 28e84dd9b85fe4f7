// `gyrus embed`: features of the images in a .npy file.
import { Command, Option } from 'commander'
import { Encoder } from '../encoder.js'
import { GyrusError } from '../errors.js'
import { npyInfo } from '../npy.js'
import type { EncoderOptions } from '../options/encoder.js'
import { parseCount, parseImageSize } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { makeProgress } from './progress.js'
import { printJson, printLine } from './report.js'

interface EmbedFlags {
  weights: string
  arch: NonNullable<EncoderOptions['arch']>
  input: string
  output: string
  imageSize?: number | [number, number]
  channels?: number
  device: NonNullable<EncoderOptions['device']>
  precision: NonNullable<EncoderOptions['precision']>
  threads?: number
  batchSize: number
  json: boolean
}

export function embedCommand(): Command {
  return new Command('embed')
    .description('turn images into feature vectors')
    .requiredOption('--weights <file>', "safetensors file with torchvision's or timm's names")
    .requiredOption('--arch <name>', 'architecture: resnet50, vit_small_patch16_224, ...')
    .requiredOption('--input <file>', 'images, normalised: .npy [N, C, H, W]')
    .requiredOption('--output <file>', 'features: .npy float32 [N, D]')
    .option(
      '--image-size <size>',
      'pixels, 224 or 224x192 (height x width); default: as in the input',
      parseImageSize,
    )
    .option('--channels <n>', 'channels of an image; default: as in the input', parseCount)
    .addOption(
      new Option('--device <name>', 'where to compute').choices(['auto', 'cpu', 'cuda']).default('auto'),
    )
    .addOption(
      new Option('--precision <name>', 'what to compute in').choices(['auto', 'f32', 'bf16']).default('auto'),
    )
    .option('--threads <n>', 'threads to compute with; default: all that are there', parseCount)
    .option('--batch-size <n>', 'images read at a time', parseCount, 32)
    .option('--json', 'print one JSON object a line', false)
    .action(async (flags: EmbedFlags) => {
      await withInterrupt((signal) => embed(flags, signal))
    })
}

async function embed(flags: EmbedFlags, signal: AbortSignal): Promise<void> {
  const start = performance.now()
  const { weights, arch, device, precision, threads, input, output, batchSize, json } = flags
  const { shape } = await npyInfo(input)
  const [, channels, height, width] = shape
  if (shape.length !== 4 || channels === undefined || height === undefined || width === undefined) {
    throw new GyrusError(
      'ERR_GYRUS_SHAPE',
      `${input} has shape [${shape.join(', ')}]; images are [N, C, H, W]: reshape the array`,
    )
  }
  const size = {
    imageSize: flags.imageSize ?? ([height, width] as const),
    channels: flags.channels ?? channels,
  }
  const encoder = await Encoder.load({ weights, arch, device, precision, threads, ...size }, { signal })
  const progress = makeProgress('embedding', json)
  let count: number
  try {
    const onProgress = (done: number, total: number): void => {
      progress.update(done, total)
    }
    count = await encoder.embedFile(input, output, { batchSize, signal, onProgress })
    progress.update(count, count)
  } finally {
    progress.stop()
    await encoder.dispose()
  }
  const seconds = (performance.now() - start) / 1000
  const { dim, info } = encoder
  if (json)
    printJson({ event: 'done', output, count, dim, seconds, device: info.device, precision: info.precision })
  else
    printLine(
      `${output}: ${count} x ${dim} features in ${seconds.toFixed(1)} s (${info.device}, ${info.precision})`,
    )
}
