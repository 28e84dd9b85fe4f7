// `gyrus embed`: features of the images in a .npy file, or of the slices of a curated folder.
import { stat } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { Encoder } from '../encoder.js'
import { GyrusError, invalidOption } from '../errors.js'
import type { LoadReport, SessionInfo } from '../native.js'
import { npyInfo } from '../npy.js'
import type { EncoderOptions } from '../options/encoder.js'
import { embedFolder } from '../slices/embed-folder.js'
import type { NetworkFacts } from '../weights/file-facts.js'
import { loadFacts, loadSummary } from '../weights/load-summary.js'
import { findWeights } from '../weights/run-weights.js'
import { parseCount, parseImageSize, parseNumber } from './arguments.js'
import { withInterrupt } from './interrupt.js'
import { makeProgress } from './progress.js'
import { printJson, printLine } from './report.js'

interface EmbedFlags {
  weights: string
  arch?: EncoderOptions['arch']
  heads?: number
  input: string
  output: string
  imageSize?: number | [number, number]
  channels?: number
  device: NonNullable<EncoderOptions['device']>
  precision: NonNullable<EncoderOptions['precision']>
  threads?: number
  batchSize: number
  mean?: number
  std?: number
  json: boolean
}

export function embedCommand(): Command {
  return new Command('embed')
    .description('turn images into feature vectors')
    .requiredOption(
      '--weights <path>',
      'the folder of a run; or safetensors, .pth or .ckpt of torchvision, timm, moco-v3, ...',
    )
    .option('--arch <name>', "architecture: resnet50, vit_small_patch16_224, ...; default: the weights'")
    .option(
      '--heads <n>',
      "attention heads of a ViT; default: the weights', or the architecture's",
      parseCount,
    )
    .requiredOption('--input <file>', 'images, normalised: .npy [N, C, H, W]; or a curated folder')
    .requiredOption('--output <file>', 'features: .npy float32 [N, D]')
    .option(
      '--image-size <size>',
      "pixels, 224 or 224x192 (height x width); default: as in the input; for a folder the weights', or 224",
      parseImageSize,
    )
    .option(
      '--channels <n>',
      "channels of an image; default: as in the input; for a folder the weights', or 1",
      parseCount,
    )
    .addOption(
      new Option('--device <name>', 'where to compute').choices(['auto', 'cpu', 'cuda']).default('auto'),
    )
    .addOption(
      new Option('--precision <name>', 'what to compute in').choices(['auto', 'f32', 'bf16']).default('auto'),
    )
    .option('--threads <n>', 'threads to compute with; default: all that are there', parseCount)
    .option('--batch-size <n>', 'images read at a time', parseCount, 32)
    .option(
      '--mean <x>',
      "of a curated folder: subtracted from values between 0 and 1 (default: the weights', or 0.449)",
      parseNumber,
    )
    .option(
      '--std <x>',
      "of a curated folder: by which they are then divided (default: the weights', or 0.226)",
      parseNumber,
    )
    .option('--json', 'print one JSON object a line', false)
    .action(async (flags: EmbedFlags) => {
      await withInterrupt((signal) => embed(flags, signal))
    })
}

const defaultSize = 224

/** The flags, and where they say nothing, what the run or the file of weights says of its network. */
interface Asked extends EmbedFlags {
  readonly arch: NonNullable<EncoderOptions['arch']>
  readonly trained: NetworkFacts
}

async function complete(flags: EmbedFlags): Promise<Asked> {
  const { path, ...trained } = await findWeights(flags.weights)
  const arch = flags.arch ?? (trained.arch as EncoderOptions['arch'] | undefined) // the engine knows the names
  if (arch === undefined)
    throw invalidOption('embed: arch', `given: ${path} does not say which architecture it is of`, arch)
  // Of another architecture, the number says nothing.
  const heads = flags.heads ?? (arch === trained.arch ? trained.heads : undefined)
  return { ...flags, weights: path, arch, trained, ...(heads === undefined ? {} : { heads }) }
}

async function embed(flags: EmbedFlags, signal: AbortSignal): Promise<void> {
  const start = performance.now()
  const isFolder = await stat(flags.input).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const progress = makeProgress('embedding', flags.json)
  const onProgress = (done: number, total: number): void => {
    progress.update(done, total)
  }
  let asked: Asked
  let result: Embedded
  try {
    asked = await complete(flags)
    result = await (isFolder ? embedSlices : embedArray)(asked, { signal, onProgress })
  } finally {
    progress.stop()
  }
  const seconds = (performance.now() - start) / 1000
  const { count, dim, info, loadReport } = result
  const { output } = flags
  const { device, precision } = info
  if (flags.json) {
    const weights = { path: asked.weights, ...loadFacts(loadReport) }
    printJson({ event: 'done', output, count, dim, seconds, device, precision, weights })
    return
  }
  printLine(`${asked.weights}: ${loadSummary(loadReport)}`)
  printLine(`${output}: ${count} x ${dim} features in ${seconds.toFixed(1)} s (${device}, ${precision})`)
}

interface Embedded {
  readonly count: number
  readonly dim: number
  readonly info: SessionInfo
  readonly loadReport: LoadReport
}

interface Watch {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}

/** Of a curated folder: every slice of its shards, in their order, resized and normalised as pretraining does. */
async function embedSlices(asked: Asked, watch: Watch): Promise<Embedded> {
  const { weights, arch, heads, device, precision, threads, input, output, batchSize, trained } = asked
  const { imageSize = trained.imageSize ?? defaultSize, channels = trained.trainedChannels ?? 1 } = asked
  const { mean = trained.mean, std = trained.std } = asked
  if (typeof imageSize !== 'number')
    throw invalidOption('embed: imageSize', 'one number, as slices are square', imageSize)
  if (channels !== 1 && channels !== 3) throw invalidOption('embed: channels', '1 or 3', channels, 'range')
  const network = { weights, arch, heads, device, precision, threads, imageSize, batchSize, mean, std }
  return embedFolder({ ...network, channels, data: input, output, ...watch })
}

async function embedArray(flags: Asked, { signal, onProgress }: Watch): Promise<Embedded> {
  const { weights, arch, heads, device, precision, threads, input, output, batchSize } = flags
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
  const encoder = await Encoder.load(
    { weights, arch, heads, device, precision, threads, ...size },
    { signal },
  )
  try {
    const count = await encoder.embedFile(input, output, { batchSize, signal, onProgress })
    onProgress(count, count)
    return { count, dim: encoder.dim, info: encoder.info, loadReport: encoder.loadReport }
  } finally {
    await encoder.dispose()
  }
}
