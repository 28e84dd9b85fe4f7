// Types of the public API, checked by the compiler alone: this file is never run. Lines that must not compile say so.
import {
  compare,
  curate,
  doctor,
  Encoder,
  evaluate,
  finetune,
  GyrusError,
  imageEntropies,
  isGyrusError,
  memory,
  MocoTrainer,
  openKspace,
  readVolume,
  SupervisedTrainer,
  type Architecture,
  type ClassifierReport,
  type CompareConfig,
  type CompareEvent,
  type ComparisonRow,
  type CurateEvent,
  type EncoderOptions,
  type ErrorCode,
  type Evaluation,
  type FinetuneConfig,
  type FinetuneEvent,
  type KernelTime,
  type Kspace,
  type LoadReport,
  type MocoTrainerOptions,
  type StepResult,
} from '../../lib/index.js'

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<Claim extends true>(): Claim | undefined {
  return undefined
}

const x = new Float32Array(1)
const labels = new Int32Array(1)

export async function curation(): Promise<void> {
  for await (const event of curate({ roots: ['a'], out: 'b' }, { signal: new AbortController().signal })) {
    holds<Same<typeof event, CurateEvent>>()
    if (event.type === 'progress') holds<Same<typeof event.phase, 'scan' | 'extract'>>()
    // @ts-expect-error: only a finished run has counts
    void event.kept.toFixed()
  }
  const { data, shape } = await readVolume('v.nii', { frame: 1 })
  holds<Same<typeof data, Float32Array>>()
  void shape.length.toFixed()
  holds<Same<Awaited<ReturnType<typeof imageEntropies>>, Float64Array>>()
  await using kspace = await openKspace('k.h5', { signal: new AbortController().signal })
  holds<Same<typeof kspace, Kspace>>()
  holds<Same<Awaited<ReturnType<Kspace['read']>>, Float32Array>>()
  // @ts-expect-error: a file need not have a header
  void kspace.header.encoded.matrix[0].toFixed()
  // @ts-expect-error: made by openKspace alone
  new Kspace()
  // @ts-expect-error: a folder to write is required
  curate({ roots: ['a'] })
  // @ts-expect-error: datasets have names
  curate({ roots: ['a'], out: 'b', dataset: 'mri' })
}

export async function encoders(): Promise<void> {
  const encoder = await Encoder.load({ weights: 'w', arch: 'resnet50', imageSize: [64, 32], channels: 1 })
  holds<Same<typeof encoder, Encoder>>()
  holds<Same<Awaited<ReturnType<typeof encoder.embed>>, Float32Array>>()
  holds<Same<typeof encoder.loadReport, LoadReport>>()
  await encoder.embed(x, { signal: new AbortController().signal })
  await encoder.embedFile('a', 'b', { batchSize: 3, onProgress: (done, total) => void (done + total) })
  await using other = encoder
  void other.dim.toFixed()
  // @ts-expect-error: an architecture must be known
  await Encoder.load({ weights: 'w', arch: 'resnet5' })
  // @ts-expect-error: arch is required
  await Encoder.load({ weights: 'w' })
  // @ts-expect-error: there is no such option
  await Encoder.load({ weights: 'w', arch: 'resnet18', size: 3 })
  // @ts-expect-error: images are Float32Array
  await encoder.embed(new Float64Array(1))
  // @ts-expect-error: read-only
  encoder.info = other.info
  // @ts-expect-error: the constructor is private
  new Encoder()
}

export async function trainers(): Promise<void> {
  const moco = await MocoTrainer.create({
    arch: 'vit_small_patch16_224',
    batchSize: 8,
    projector: { hidden: 8 },
    optimizer: { name: 'lars', trust: 0.1 },
  })
  const result = await moco.step(x, x, { lr: 0.1, momentum: 0.9 })
  holds<Same<typeof result, StepResult>>()
  const supervised = await SupervisedTrainer.create({ arch: 'resnet18', batchSize: 8, classes: 2 })
  await supervised.step(x, labels, { lr: 0.1 })
  const { signal } = new AbortController()
  const kernels = await moco.profile(x, x, { lr: 0.1, momentum: 0.9, signal })
  holds<Same<typeof kernels, KernelTime[]>>()
  holds<Same<KernelTime['kind' | 'name'], string>>()
  holds<Same<KernelTime['seconds' | 'flops' | 'bytes'], number>>()
  holds<Same<Awaited<ReturnType<typeof supervised.profile>>, KernelTime[]>>()
  await supervised.profile(x, labels, { lr: 0.1, signal })
  // @ts-expect-error: lr is required
  await moco.step(x, x, {})
  // @ts-expect-error: labels are Int32Array
  await supervised.step(x, x, { lr: 0.1 })
  // @ts-expect-error: lr is required
  await moco.profile(x, x, {})
  // @ts-expect-error: labels are Int32Array
  await supervised.profile(x, x, { lr: 0.1 })
  // @ts-expect-error: a supervised step has no momentum encoder
  await supervised.profile(x, labels, { lr: 0.1, momentum: 0.9 })
  // @ts-expect-error: read-only
  kernels.forEach((kernel) => (kernel.seconds = 0))
  // @ts-expect-error: sgd has no betas
  await MocoTrainer.create({ arch: 'resnet18', batchSize: 8, optimizer: { name: 'sgd', beta1: 0.9 } })
  // @ts-expect-error: classes is required
  await SupervisedTrainer.create({ arch: 'resnet18', batchSize: 8 })
}

export async function tasks(): Promise<void> {
  const { signal } = new AbortController()
  const start: FinetuneConfig = { data: 'd', out: 'o', weights: 'w', optimizer: { name: 'sgd' }, mixup: 0.2 }
  for await (const event of finetune(start, { signal, resume: true })) {
    holds<Same<typeof event, FinetuneEvent>>()
    if (event.type === 'done') holds<Same<typeof event.figures, ClassifierReport>>()
    if (event.type === 'epoch') holds<Same<typeof event.valAccuracy, number | undefined>>()
    // @ts-expect-error: only a finished run has figures
    void event.figures
  }
  const found = await evaluate({ data: 'd', out: 'o', weights: 'w', part: 'all' }, { signal })
  holds<Same<typeof found, Evaluation>>()
  holds<Same<typeof found.logits, Float32Array>>()
  holds<Same<typeof found.figures.intervals.f1.low, number>>()
  const arms: CompareConfig['arms'] = [{ name: 'a' }, { name: 'b', weights: 'w', arch: 'resnet18' }]
  for await (const event of compare({ data: 'd', out: 'o', arms, seeds: [1, 2] }, { overwrite: true })) {
    holds<Same<typeof event, CompareEvent>>()
    if (event.type === 'done') holds<Same<typeof event.rows, readonly ComparisonRow[]>>()
  }
  // @ts-expect-error: a comparison has arms
  compare({ data: 'd', out: 'o' })
  // @ts-expect-error: a classifier that is tested has weights
  await evaluate({ data: 'd', out: 'o' })
  // @ts-expect-error: there is no such method
  finetune({ data: 'd', out: 'o', method: 'probe' })
  // @ts-expect-error: an arm has no folder of its own
  compare({ data: 'd', out: 'o', arms: [{ name: 'a', out: 'b' }] })
}

export async function rest(): Promise<void> {
  holds<Same<ReturnType<typeof memory>['hostBytes'], number>>()
  holds<Same<Awaited<ReturnType<typeof doctor>>['simdTargets'], readonly string[]>>()
  holds<Same<EncoderOptions['arch'], Architecture>>()
  holds<Same<MocoTrainerOptions['batchSize'], number>>()
  const error: unknown = await Promise.reject(new GyrusError('ERR_GYRUS_BUSY', 'm'))
  if (isGyrusError(error)) holds<Same<typeof error.code, ErrorCode>>()
  // @ts-expect-error: codes are a closed list
  new GyrusError('ERR_OTHER', 'm')
}
