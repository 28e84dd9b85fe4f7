// `gyrus export`: an encoder's weights for other libraries, or the network itself as ONNX.
import { Command, Option } from 'commander'
import { Encoder } from '../encoder.js'
import { exportForms, type EncoderOptions, type SaveEncoderOptions } from '../options/encoder.js'
import { findWeights } from '../weights/run-weights.js'
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
    .option('--channels <n>', 'channels of an image; default: the run’s, or 3', parseCount)
    .option('--heads <n>', "attention heads of a ViT; default: the architecture's own", parseCount)
    .option('--json', 'print one JSON object a line', false)
    .action(async (flags: ExportFlags) => {
      await withInterrupt((signal) => run(flags, signal))
    })
}

async function run(flags: ExportFlags, signal: AbortSignal): Promise<void> {
  const { output, form, json } = flags
  const found = await findWeights(flags.weights)
  const arch = flags.arch ?? found.arch
  const imageSize = flags.imageSize ?? found.imageSize
  const heads = flags.heads ?? found.heads
  const channels = flags.channels ?? found.channels ?? 3
  const encoder = await Encoder.load(
    {
      weights: found.path,
      arch: arch as EncoderOptions['arch'],
      channels,
      precision: 'f32',
      ...(imageSize === undefined ? {} : { imageSize }),
      ...(heads === undefined ? {} : { heads }),
    },
    { signal },
  )
  try {
    const { mean, std } = found
    await encoder.save(output, { form, mean, std })
    const { form: from, adapted } = encoder.loadReport
    const report = { output, form, from, weights: found.path, tensors: encoder.loadReport.matched.length }
    if (json) printJson({ event: 'done', ...report, adapted: adapted.length })
    else printLine(`${output}: ${report.tensors} tensors as ${form}, from ${found.path} (${from})`)
  } finally {
    await encoder.dispose()
  }
}
