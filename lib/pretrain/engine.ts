// Opens the two native parts of a run with its settings: the loader of views and the trainer.
import { invalidOption } from '../errors.js'
import { availableParallelism } from 'node:os'
import type { ContrastiveTrainer } from '../contrastive-trainer.js'
import { MocoTrainer } from '../moco-trainer.js'
import type { PretrainSettings } from '../options/pretrain.js'
import { SimclrTrainer } from '../simclr-trainer.js'
import { ViewLoader } from '../view-loader.js'
import { rowsOf, type CuratedSlices } from '../slices/curated.js'

const processorsALoaderThread = 4

export function openViews(
  settings: PretrainSettings,
  slices: CuratedSlices,
  signal?: AbortSignal,
): Promise<ViewLoader> {
  const { split, batchSize, channels, imageSize, mean, std, seed } = settings
  const rows = rowsOf(slices, split)
  if (rows.length < batchSize)
    throw invalidOption(
      'pretrain: batchSize',
      `at most the ${rows.length} slices to train on`,
      batchSize,
      'range',
    )
  const threads =
    settings.loaderThreads ?? Math.max(1, Math.floor(availableParallelism() / processorsALoaderThread))
  const { shards } = slices
  const views = settings.views
  return ViewLoader.open(
    { shards, rows, batchSize, channels, imageSize, mean, std, seed, threads, views },
    { signal },
  )
}

/** Settings that are the trainer's under the same name. */
const trainerSettings = [
  'arch',
  'imageSize',
  'channels',
  'heads',
  'hasZeroInitResidual',
  'hasTrainablePositions',
  'hasFrozenPatchProjection',
  'batchSize',
  'microBatch',
  'temperature',
  'projector',
  'optimizer',
  'device',
  'precision',
  'threads',
  'seed',
] as const

export function openTrainer(settings: PretrainSettings, signal?: AbortSignal): Promise<ContrastiveTrainer> {
  const named = Object.fromEntries(trainerSettings.map((name) => [name, settings[name]]))
  const own = named as Pick<PretrainSettings, (typeof trainerSettings)[number]>
  return settings.method === 'simclr'
    ? SimclrTrainer.create(own, { signal })
    : MocoTrainer.create(own, { signal })
}
