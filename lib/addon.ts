// Over the size guide: it is one list, the twin of native/binding.
// What the addon exports, as exact types: options, reports, and the native classes.
import type { GyrusError, LoadReport } from './errors.js'

export type { LoadReport }

// Everything below takes complete values: lib/options has validated them and filled in the defaults.

export interface NativeEncoderOptions {
  arch: string
  imageHeight: number
  imageWidth: number
  channels: number
  heads: number
  hasZeroInitResidual: boolean
  hasTrainablePositions: boolean
  hasFrozenPatchProjection: boolean
}

export interface NativeDeviceOptions {
  device: 'auto' | 'cpu' | 'cuda'
  precision: 'auto' | 'f32' | 'bf16'
  threads: number
}

export interface NativeOptimizerOptions {
  name: string
  weightDecay: number
  beta1: number
  beta2: number
  eps: number
  momentum: number
  trust: number
  nesterov: boolean
  decaysVectors: boolean
}

interface NativeModelOptions {
  encoder: NativeEncoderOptions
  device: NativeDeviceOptions
  seed: number
}

export interface NativeContrastiveOptions extends NativeModelOptions {
  method: 'mocov3' | 'simclr'
  optimizer: NativeOptimizerOptions
  batchSize: number
  /** 0: a step in one piece. */
  microBatch: number
  temperature: number
  projectorHidden: number
  projectorOut: number
  projectorNorm: 'batch_norm' | 'layer_norm' | 'none'
}

export interface NativeSupervisedOptions extends NativeModelOptions {
  optimizer: NativeOptimizerOptions
  batchSize: number
  classes: number
  labelSmoothing: number
  hasHeadBatchNorm: boolean
  isBackboneFrozen: boolean
  /** One a class; empty: all alike. */
  classWeights: Float32Array
  hasMixup: boolean
  dropPath: number
  layerDecay: number
}

export interface NativeStepHyper {
  lr: number
  /** Of the momentum encoder. */
  momentum: number
  /** With mixup: an image's own share. */
  mix: number
}

/** What a session is and what was chosen for it. */
export interface SessionInfo {
  readonly device: string
  /** Of device 'auto': which GPU was taken, or why none; '' where the device was named. */
  readonly deviceReason: string
  readonly precision: string
  readonly threads: number
  readonly featureDim: number
  readonly parameterCount: number
  readonly parameterBytes: number
  readonly arenaBytes: number
}

/** The outcome of one training step. */
export interface StepResult {
  /** The loss before this step's update. */
  readonly loss: number
  /** The share of rows whose largest logit is the right one, 0 to 1. */
  readonly hits: number
  /** Seconds of the engine's own work. */
  readonly seconds: number
}

/** Whether embeddings still tell images apart; of the last step's, normalised to length 1. */
export interface EmbeddingHealth {
  /** Standard deviation over the batch: 0 when all are alike, 1 when spread over the whole sphere. */
  readonly std: number
  /** How many dimensions they use in effect: exp of the entropy of the singular values' shares. */
  readonly effectiveRank: number
  /** Mean squared distance of the two views of an image. */
  readonly alignment: number
  /** Logarithm of the mean of exp(-2 d^2) over pairs of images; lower is more uniform. */
  readonly uniformity: number
}

/** One kernel of a profiled step. */
export interface KernelTime {
  /** The operation and the layer, such as `conv2d view1/layer1.0.conv1`. */
  readonly name: string
  readonly kind: string
  readonly seconds: number
  /** Operations that it cannot do without; a multiply-add counts two. */
  readonly flops: number
  /** Bytes that it cannot avoid moving, were each moved once. */
  readonly bytes: number
}

/** Bytes that the engine holds in this process, now and at most so far. */
export interface MemoryReport {
  readonly hostBytes: number
  readonly pinnedBytes: number
  readonly deviceBytes: number
  readonly peakHostBytes: number
  readonly peakPinnedBytes: number
  readonly peakDeviceBytes: number
}

/** What this machine offers. */
export interface DoctorReport {
  readonly cpu: string
  readonly cpuFeatures: readonly string[]
  /** Instruction sets of the SIMD kernels that this CPU can run, the best first. */
  readonly simdTargets: readonly string[]
  /** Whether bf16 is computed in hardware. */
  readonly hasBf16: boolean
  readonly logicalCpus: number
  /** What a session takes unless told otherwise. */
  readonly threads: number
  readonly onednn: {
    readonly version: string
    readonly path: string
    readonly threading: string
    readonly isa: string
  }
  /** Whether this build has the CUDA backend. */
  readonly isCudaCompiled: boolean
  /** What device 'cuda' would take, or why it would fail. */
  readonly gpu: string
  readonly cudaLibraries: readonly {
    readonly name: string
    readonly path: string | null
    readonly problem: string | null
    /** Where it was looked for, in order. */
    readonly searched: readonly string[]
  }[]
}

/** A .npy file's header. */
export interface NpyInfo {
  readonly shape: readonly number[]
  readonly dtype: string
}

/** Along which axis of the body slices follow one another: upwards, forwards, to the right. */
export type Plane = 'axial' | 'coronal' | 'sagittal'

/** What is known of a volume once it was read, in canonical order (right, anterior, superior). */
export interface NativeVolumeFacts {
  readonly shape: readonly [number, number, number]
  readonly affine: readonly number[]
  readonly spacing: readonly [number, number, number]
  /** Of the file's bytes (a pair's header, then its voxels), or of the images for formats that hold more than them. */
  readonly sha256: string
  /** fastMRI's attributes, '' where there are none. */
  readonly acquisition: string
  readonly patientId: string
}

export interface NativeStatisticsOptions {
  /** Of two volumes that were opened at once, which; 0 otherwise. */
  volume: 0 | 1
  plane: Plane
  percentileLow: number
  percentileHigh: number
  countsZeros: boolean
  entropyOver: 'slice' | 'box'
  foregroundThreshold: number
}

/** Of every slice along the plane's axis, in canonical order. */
export interface SliceStatistics {
  readonly low: number
  readonly high: number
  readonly entropy: Float64Array
  readonly foreground: Float64Array
  readonly nonFinite: number
}

/** Memory that readers share. */
export interface NativeVolumeMemory {
  /** Frees what no reader has in use. */
  release(): void
}

export interface NativeVolumeReader {
  /** What opening would need, in bytes, and the shape in canonical order, from the head of the file. */
  announce(
    path: string,
    format: 'nifti' | 'fastmri' | 'npy',
    frame: number,
    ticket?: NativeTicket,
  ): Promise<{ readonly bytes: number; readonly shape: readonly [number, number, number] }>
  open(
    path: string,
    format: 'nifti' | 'fastmri' | 'npy',
    frame: number,
    ticket?: NativeTicket,
  ): Promise<NativeVolumeFacts>
  /** Two NIfTI files at once, in less time than one after the other; a file that cannot be read is its error. */
  openBoth(
    first: string,
    second: string,
    frame: number,
    ticket?: NativeTicket,
  ): Promise<[NativeVolumeFacts | GyrusError, NativeVolumeFacts | GyrusError]>
  openImage(pixels: Float32Array, rows: number, columns: number, sha256: string): Promise<NativeVolumeFacts>
  examine(options: NativeStatisticsOptions, ticket?: NativeTicket): Promise<SliceStatistics>
  /** Fills `out`, [indices.length, size, size]; it must not be read or changed before the promise settles. */
  extract(
    request: { volume: 0 | 1; plane: Plane; low: number; high: number; size: number },
    indices: Int32Array,
    out: Uint16Array,
    ticket?: NativeTicket,
  ): Promise<void>
  values(ticket?: NativeTicket): Promise<Float32Array>
  /** Gives the memory of what is open back. */
  close(): Promise<void>
  dispose(): Promise<void>
}

/** One of the two spaces of an encoding: what was measured, and what is made of it. */
export interface KspaceSpace {
  /** x along the readout, y along the phase encoding, z. */
  readonly matrix: readonly [x: number, y: number, z: number]
  /** In mm. */
  readonly fieldOfView?: readonly [x: number, y: number, z: number]
}

/** Of an ISMRMRD header; words are '' and lists empty where it says nothing. */
export interface KspaceHeader {
  readonly encoded: KspaceSpace
  readonly recon: KspaceSpace
  /** Of the phase encoding. Columns outside of [paddingLeft, paddingRight) were never measured and hold zeros. */
  readonly limits?: {
    readonly center: number
    readonly maximum: number
    readonly paddingLeft: number
    readonly paddingRight: number
  }
  /** 'cartesian' */
  readonly trajectory: string
  readonly protocol: string
  /** Times in ms, angles in degrees; one number for each echo. */
  readonly sequence: {
    readonly type: string
    readonly repetitionTimes: readonly number[]
    readonly echoTimes: readonly number[]
    readonly inversionTimes: readonly number[]
    readonly flipAngles: readonly number[]
    readonly echoSpacings: readonly number[]
  }
  readonly scanner: {
    readonly vendor: string
    readonly model: string
    /** In tesla. */
    readonly fieldStrength?: number
    readonly channels?: number
  }
}

/** What a file says of its k-space. */
export interface KspaceFacts {
  readonly shape: readonly [slices: number, coils: number, rows: number, columns: number]
  /** Of fastMRI's test files: a number a column, 0 where it was left out. */
  readonly mask?: Float32Array
  /** Where the file has an `ismrmrd_header`. */
  readonly header?: KspaceHeader
  /** Those that the file has. */
  readonly attributes: {
    /** 'AXT2' */
    readonly acquisition?: string
    readonly patientId?: string
    /** Of reconstruction_rss. */
    readonly max?: number
    readonly norm?: number
    /** Of fastMRI's test files. */
    readonly acceleration?: number
  }
}

export interface NativeKspaceReader {
  /** `most`: bytes that reading a slice may take. */
  open(path: string, most: number, ticket?: NativeTicket): Promise<KspaceFacts>
  /** Fills `out`, [coils, rows, columns, 2]. */
  read(slice: number, out: Float32Array, ticket?: NativeTicket): Promise<void>
  dispose(): Promise<void>
}

/** Rows of a bank that are most like each query, the nearest first; of equals, the lower row first. */
export interface Neighbours {
  /** [queries, k] */
  readonly indices: Int32Array
  /** Cosines, [queries, k]. */
  readonly similarities: Float32Array
}

/** What a linear classifier on frozen features says of the test rows. */
export interface LinearProbeResult {
  /** [test rows, classes] */
  readonly logits: Float32Array
  /** Of the features as they were given, not standardised: [classes, dim] and [classes]. */
  readonly weights: Float32Array
  readonly bias: Float32Array
  /** On the training rows at the end, with the penalty. */
  readonly loss: number
  readonly iterations: number
}

export interface NativeViewOptions {
  cropLow: number
  cropHigh: number
  biasProbability: number
  biasStrength: number
  gammaProbability: number
  gammaLow: number
  gammaHigh: number
  noiseProbability: number
  noiseStd: number
  jitterProbability: number
  brightness: number
  contrast: number
  blurProbability: number
  blurLow: number
  blurHigh: number
  solarizeProbability: number
  flipProbability: number
}

export interface NativeViewLoaderOptions {
  shards: readonly string[]
  rows: Uint32Array
  imageSize: number
  channels: number
  batchSize: number
  seed: number
  threads: number
  /** Of each channel, or one of all. */
  means: Float32Array
  stds: Float32Array
  view1: NativeViewOptions
  view2: NativeViewOptions
}

export interface ViewLoaderInfo {
  /** In the shards. */
  readonly slices: number
  /** Slices that steps draw from. */
  readonly samples: number
  readonly stepsPerEpoch: number
  /** Pixels of a side. */
  readonly sliceSize: number
}

/** The way from a loader to the device of a trainer, which opens it. */
export interface ViewFeed {
  /** Whether there is one: the trainer's device has memory of its own, and the trainer was not disposed. */
  isOpen(): boolean
}

/** Of the loader that fills a feed. */
export interface NativeFeedOptions {
  sliceSize: number
  imageSize: number
  channels: number
  mean: number
  std: number
}

export interface NativeViewLoader {
  open(options: NativeViewLoaderOptions, ticket?: NativeTicket): Promise<ViewLoaderInfo>
  /** `part` of `parts`: those images of the step's batch alone. */
  fill(
    step: number,
    x1: Float32Array,
    x2: Float32Array,
    part: number,
    parts: number,
    ticket?: NativeTicket,
  ): Promise<number>
  /** The slices of that share, and what is drawn for their views, on their way to a trainer's device. */
  feed(step: number, feed: ViewFeed, part: number, parts: number, ticket?: NativeTicket): Promise<number>
  fillFirst(step: number, x: Float32Array, ticket?: NativeTicket): Promise<void>
  rowsOf(step: number): Promise<Uint32Array>
  plain(rows: Uint32Array, side: number, x: Float32Array, ticket?: NativeTicket): Promise<void>
  dispose(): Promise<void>
}

/** Cancels a call under way and tells how far it is. */
export interface NativeTicket {
  cancel(): void
  progress(): { done: number; total: number }
}

/** Whose names a file of weights gets; onnx: the network itself, with its weights. */
export type ExportForm = 'torchvision' | 'timm' | 'mocov3' | 'onnx'

export interface NativeEncoder {
  open(
    options: NativeModelOptions & { weights: string },
    ticket?: NativeTicket,
  ): Promise<{ info: SessionInfo; loadReport: LoadReport }>
  embed(x: Float32Array, ticket?: NativeTicket): Promise<Float32Array>
  embedFile(input: string, output: string, batchSize: number, ticket?: NativeTicket): Promise<number>
  save(
    path: string,
    form: ExportForm,
    channels: number,
    metadata: Readonly<Record<string, string>>,
  ): Promise<void>
  dispose(): Promise<void>
}

export interface NativeTrainer<Options, Target> {
  open(options: Options, ticket?: NativeTicket): Promise<SessionInfo>
  step(x: Float32Array, target: Target, hyper: NativeStepHyper, ticket?: NativeTicket): Promise<StepResult>
  profile(
    x: Float32Array,
    target: Target,
    hyper: NativeStepHyper,
    ticket?: NativeTicket,
  ): Promise<KernelTime[]>
  load(path: string): Promise<LoadReport>
  save(path: string): Promise<void>
  dispose(): Promise<void>
}

export interface NativeContrastiveTrainer extends NativeTrainer<NativeContrastiveOptions, Float32Array> {
  loadState(path: string): Promise<void>
  saveState(path: string): Promise<void>
  saveBackbone(path: string, channels: 1 | 3, metadata: Readonly<Record<string, string>>): Promise<void>
  health(): Promise<EmbeddingHealth>
  rehearse(
    part: number,
    x1: Float32Array,
    x2: Float32Array,
    hyper: NativeStepHyper,
    ticket?: NativeTicket,
  ): Promise<number>
  contrast(hyper: NativeStepHyper, ticket?: NativeTicket): Promise<StepResult>
  accumulate(
    part: number,
    x1: Float32Array,
    x2: Float32Array,
    hyper: NativeStepHyper,
    ticket?: NativeTicket,
  ): Promise<number>
  /** The feed is open afterwards where the device has memory of its own. */
  openFeed(options: NativeFeedOptions, feed: ViewFeed, ticket?: NativeTicket): Promise<void>
  stepFed(step: number, hyper: NativeStepHyper, ticket?: NativeTicket): Promise<StepResult>
  rehearseFed(step: number, part: number, hyper: NativeStepHyper, ticket?: NativeTicket): Promise<number>
  accumulateFed(step: number, part: number, hyper: NativeStepHyper, ticket?: NativeTicket): Promise<number>
}
export interface NativeSupervisedTrainer extends NativeTrainer<NativeSupervisedOptions, Int32Array> {
  predict(x: Float32Array, logits: Float32Array, ticket?: NativeTicket): Promise<void>
  loadBackbone(path: string): Promise<LoadReport>
  setClassifier(weights: Float32Array, bias: Float32Array): Promise<void>
  exportAs(path: string, form: ExportForm, channels: number): Promise<void>
  loadState(path: string): Promise<void>
  saveState(path: string): Promise<void>
}

/** A picture of Cheng's brain tumour set (figshare). */
export interface FigshareImage {
  /** 1 meningioma, 2 glioma, 3 pituitary tumour. */
  readonly label: number
  readonly patient: string
  readonly rows: number
  readonly columns: number
  /** [rows, columns] */
  readonly pixels: Float32Array
  /** The same, 1 inside the tumour. */
  readonly mask: Uint8Array
}

/** What a file of weights holds for a network. */
export interface WeightFacts {
  /** Whose names it has, in words. */
  readonly form: string
  /** That the first layer reads; 0: it is not there under the network's names. */
  readonly channels: number
  /** That a linear classifier tells apart; 0: there is none. */
  readonly classes: number
}

export interface NativeAddon {
  setErrorClass(constructor: typeof GyrusError): void
  errorCodes(): string[]
  architectures(): string[]
  memory(): MemoryReport
  doctor(): Promise<DoctorReport>
  /** The address of the buffer's memory modulo `unit`. */
  addressWithin(buffer: ArrayBuffer, unit: number): number
  npyInfo(path: string): Promise<NpyInfo>
  imageEntropies(images: Uint8Array, count: number): Promise<Float64Array>
  readFigshare(path: string): Promise<FigshareImage>
  /** Of each picture, by its number less 1. */
  readFigshareFolds(path: string): Promise<Int32Array>
  inspectWeights(encoder: NativeEncoderOptions, path: string): Promise<WeightFacts>
  weightMetadata(path: string): Promise<Record<string, string>>
  nearestNeighbours(
    bank: Float32Array,
    queries: Float32Array,
    options: { dim: number; k: number; excludesOwn: boolean },
    ticket?: NativeTicket,
  ): Promise<Neighbours>
  linearProbe(
    train: Float32Array,
    labels: Int32Array,
    test: Float32Array,
    options: { dim: number; classes: number; l2: number; iterations: number },
    ticket?: NativeTicket,
  ): Promise<LinearProbeResult>
  Ticket: new () => NativeTicket
  Encoder: new () => NativeEncoder
  ContrastiveTrainer: new () => NativeContrastiveTrainer
  SupervisedTrainer: new () => NativeSupervisedTrainer
  ViewFeed: new () => ViewFeed
  /** `keep`: bytes up to which idle memory is kept; `most`: bytes that one volume may take. */
  VolumeMemory: new (limits: { keep: number; most: number }) => NativeVolumeMemory
  VolumeReader: new (memory: NativeVolumeMemory) => NativeVolumeReader
  KspaceReader: new () => NativeKspaceReader
  ViewLoader: new () => NativeViewLoader
}
