// Named settings. mocov3-*: Chen, Xie and He 2021, table of their CONFIG; solo-*: the recipes of solo-learn, which the
// brain-MRI paper trained with; cpu-*: ours, for hours instead of weeks.
import type { PretrainConfig } from '../options/pretrain.js'
import { mocoViews, simclrViews, type ViewOptions } from '../options/views.js'

export type Preset = Omit<Partial<PretrainConfig>, 'data' | 'out' | 'preset'>

/** Views of slices: softer than those of photographs, with what differs between scanners. */
function scannerViews(cropMin: number): [ViewOptions, ViewOptions] {
  const view: ViewOptions = {
    crop: [cropMin, 1],
    jitter: { probability: 0.8, brightness: 0.3, contrast: 0.3 },
    blur: { probability: 0.3, sigma: [0.1, 1] },
    flip: 0.5,
    gamma: { probability: 0.5, range: [0.7, 1.4] },
    biasField: { probability: 0.5, strength: 0.3 },
    noise: { probability: 0.3, std: 0.02 },
  }
  return [view, view]
}

const resnet = { hasZeroInitResidual: true }
const vit = { hasFrozenPatchProjection: true, optimizer: { name: 'adamw', weightDecay: 0.1 } } as const

/** Batches of 4096 come in parts: at once they fit no machine. */
export const presets = {
  'mocov3-resnet50': {
    ...resnet,
    arch: 'resnet50',
    batchSize: 4096,
    microBatch: 64,
    epochs: 100,
    warmupEpochs: 10,
    baseLr: 0.6,
    optimizer: { name: 'lars', weightDecay: 1e-6 },
    temperature: 1,
    views: mocoViews(0.2),
  },
  'mocov3-vit-small': {
    ...vit,
    arch: 'mocov3_vit_small',
    batchSize: 1024,
    epochs: 300,
    warmupEpochs: 40,
    baseLr: 1.5e-4,
    views: mocoViews(0.08),
  },
  'mocov3-vit-base': {
    ...vit,
    arch: 'mocov3_vit_base',
    batchSize: 4096,
    microBatch: 64,
    epochs: 300,
    warmupEpochs: 40,
    baseLr: 1.5e-4,
    views: mocoViews(0.08),
  },
  'solo-mocov3-resnet50': {
    ...resnet,
    arch: 'resnet50',
    batchSize: 256,
    epochs: 400,
    warmupEpochs: 10,
    warmupStartLr: 3e-5,
    baseLr: 0.3,
    optimizer: { name: 'lars_solo', weightDecay: 1e-6 },
    views: mocoViews(0.08),
  },
  'solo-simclr-resnet50': {
    method: 'simclr',
    arch: 'resnet50',
    batchSize: 256,
    epochs: 400,
    warmupEpochs: 10,
    warmupStartLr: 3e-5,
    baseLr: 0.3,
    optimizer: { name: 'lars_solo', weightDecay: 1e-4 },
    projector: { hidden: 4096, out: 512 },
    views: simclrViews(0.08),
  },
  'cpu-resnet18': {
    arch: 'resnet18',
    imageSize: 96,
    batchSize: 64,
    epochs: 40,
    baseLr: 4e-3,
    optimizer: { name: 'adamw', weightDecay: 0.05 },
    momentum: 0.97,
    projector: { hidden: 1024, out: 128 },
    views: scannerViews(0.2),
  },
  'cpu-simclr-resnet18': {
    method: 'simclr',
    arch: 'resnet18',
    imageSize: 96,
    batchSize: 64,
    epochs: 40,
    baseLr: 4e-3,
    optimizer: { name: 'adamw', weightDecay: 0.05 },
    projector: { hidden: 1024, out: 128, norm: 'batch_norm' },
    views: scannerViews(0.2),
  },
  'cpu-vit-tiny': {
    arch: 'vit_tiny_patch16_224',
    hasFrozenPatchProjection: true,
    imageSize: 96,
    batchSize: 64,
    epochs: 60,
    baseLr: 2e-3,
    optimizer: { name: 'adamw', weightDecay: 0.1 },
    momentum: 0.97,
    projector: { hidden: 1024, out: 128 },
    views: scannerViews(0.2),
  },
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof presets
export const defaultPreset: PresetName = 'solo-mocov3-resnet50'
