// The public API: re-exports only.
export { Encoder } from './encoder.js'
export { ContrastiveTrainer } from './contrastive-trainer.js'
export { MocoTrainer } from './moco-trainer.js'
export { SimclrTrainer } from './simclr-trainer.js'
export { SupervisedTrainer } from './supervised-trainer.js'
export { ViewLoader } from './view-loader.js'
export type { ViewForm } from './view-loader.js'
export { linearProbe, nearestNeighbours } from './features.js'
export type { LinearProbeOptions, NeighbourOptions } from './features.js'
export { pretrain } from './pretrain/pretrain.js'
export { planPretraining } from './pretrain/plan.js'
export type { PretrainPlan } from './pretrain/plan.js'
export type { PretrainEvent, StepMetrics, StepTiming } from './pretrain/events.js'
export { presets } from './pretrain/presets.js'
export type { PretrainCallOptions, PretrainConfig, PretrainSettings } from './options/pretrain.js'
export { mocoViews, simclrViews } from './options/views.js'
export type { ViewOptions } from './options/views.js'
export type { PlainOptions, ViewLoaderOptions } from './options/view-loader.js'
export { finetune } from './tasks/classify/finetune.js'
export { evaluate } from './tasks/classify/evaluate.js'
export type { Evaluation } from './tasks/classify/evaluate.js'
export { compare } from './tasks/classify/compare.js'
export type {
  CompareEvent,
  ComparisonRow,
  Epoch,
  FinetuneEvent,
  Report as ClassifierReport,
  TestFigures,
} from './tasks/classify/events.js'
export type { CompareConfig, EvaluateConfig, FinetuneConfig, TaskCallOptions } from './options/classify.js'
export { doctor } from './doctor.js'
export { memory } from './memory.js'
export { npyInfo } from './npy.js'
export { curate } from './curate/curate.js'
export type { CurateEvent } from './curate/events.js'
export type { CurateOptions } from './options/curate.js'
export { writeCohort } from './cohort/cohort.js'
export type { CohortSummary } from './cohort/cohort.js'
export type { CohortCallOptions, CohortOptions } from './options/cohort.js'
export { imageEntropies, readVolume } from './volume.js'
export type { ReadVolumeOptions, Volume } from './volume.js'
export { openKspace } from './kspace.js'
export type { Kspace, ReadSliceOptions } from './kspace.js'
export { GyrusError, errorCodes, isGyrusError } from './errors.js'
export type { ArgumentError, ErrorCode } from './errors.js'
export { architectures } from './options/model.js'
export type { Architecture } from './options/model.js'
export type { CallOptions, EmbedFileOptions, EncoderOptions, SaveEncoderOptions } from './options/encoder.js'
export type { OptimizerOptions } from './options/optimizer.js'
export type {
  ContrastiveStepOptions,
  MocoTrainerOptions,
  SaveBackboneOptions,
  SimclrTrainerOptions,
  SupervisedStepOptions,
  SupervisedTrainerOptions,
} from './options/trainer.js'
export type {
  DoctorReport,
  EmbeddingHealth,
  KernelTime,
  KspaceFacts,
  KspaceHeader,
  KspaceSpace,
  LinearProbeResult,
  LoadReport,
  MemoryReport,
  Neighbours,
  NpyInfo,
  SessionInfo,
  StepResult,
  ViewFeed,
  ViewLoaderInfo,
} from './native.js'
