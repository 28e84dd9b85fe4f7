// From what a caller said to a complete configuration: preset, then file, then flags, the later over the earlier.
import { invalidOption } from '../errors.js'
import type { OptimizerOptions } from '../options/optimizer.js'
import { parseOptions } from '../options/parse.js'
import { pretrainSettings, type PretrainConfig, type PretrainSettings } from '../options/pretrain.js'
import { suggest } from '../options/suggest.js'
import { presets, type Preset, type PresetName } from './presets.js'

/** Fills in the preset and all defaults. Throws TypeError or RangeError that name the setting. */
export function resolveConfig(config: PretrainConfig): PretrainSettings {
  const { preset, cropMin, ...own } = config
  const base = presetOf(preset ?? presetFor(own.arch))
  if (cropMin !== undefined && !(typeof cropMin === 'number' && cropMin > 0 && cropMin <= 1))
    throw invalidOption('pretrain: cropMin', 'above 0 and at most 1', cropMin, 'range')
  const merged = merge(base, own)
  const views = merged.views?.map((view) => (cropMin === undefined ? view : { ...view, crop: [cropMin, 1] }))
  const settings = parseOptions(pretrainSettings, 'pretrain', { ...merged, views })
  if (settings.epochs !== undefined && settings.steps !== undefined)
    throw invalidOption('pretrain: epochs', 'left out when steps is given', settings.epochs)
  const norm = settings.projector.norm ?? (settings.method === 'simclr' ? 'none' : 'batch_norm')
  return { ...settings, projector: { ...settings.projector, norm } }
}

/** What a configuration that names no optimizer is trained with. */
export function optimizerOf({ preset, arch }: Pick<PretrainConfig, 'preset' | 'arch'>): OptimizerOptions {
  return presetOf(preset ?? presetFor(arch)).optimizer ?? { name: 'adamw' }
}

function presetFor(arch: string | undefined): PresetName {
  return arch?.includes('vit') === true ? 'mocov3-vit-small' : 'solo-mocov3-resnet50'
}

function presetOf(name: string): Preset {
  const preset: Preset | undefined = Object.hasOwn(presets, name) ? presets[name as PresetName] : undefined
  if (preset !== undefined) return preset
  const known = Object.keys(presets)
  const nearest = suggest(name, known)
  const hint = nearest === undefined ? `one of ${known.join(', ')}` : `a preset; did you mean '${nearest}'?`
  throw invalidOption('pretrain: preset', hint, name)
}

/** The caller's settings over the preset's; of two that mean the same thing in other words, the caller's alone. */
function merge(base: Preset, own: Omit<PretrainConfig, 'preset' | 'cropMin'>): Preset {
  const rest: Record<string, unknown> = { ...base }
  if (own.steps !== undefined) delete rest['epochs']
  if (own.steps !== undefined || own.epochs !== undefined || own.warmupSteps !== undefined)
    delete rest['warmupEpochs']
  const { microBatch } = base
  const { batchSize } = own
  // The preset's parts are of the preset's batch.
  const isDivided = (whole: number, part: number): boolean => whole > part && whole % part === 0
  if (microBatch !== undefined && batchSize !== undefined && !isDivided(batchSize, microBatch))
    delete rest['microBatch']
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  for (const name of ['optimizer', 'projector'] as const) {
    const [from, to] = [base[name], own[name]]
    const isSameKind =
      name === 'projector' || (from as { name?: string } | undefined)?.name === own.optimizer?.name
    if (from !== undefined && to !== undefined && isSameKind) given[name] = { ...from, ...to }
  }
  return { ...rest, ...given }
}
