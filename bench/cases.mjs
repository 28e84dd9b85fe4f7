// What is compared, and what must be reached: pairs of programs that do the same work.

/**
 * What must be reached. speedup: least ratio of the peer's step time to ours; memory: largest share of the peer's peak;
 * firstStep: seconds from the start of the process to the end of the first step.
 */
const floor = (speedup) => ({ speedup, memory: 0.6, firstStep: 3 })
const moco = (arch, precision, speedup) => ({ work: 'moco_step', arch, precision, floor: floor(speedup) })
const supervised = (arch, precision) => ({ work: 'supervised_step', arch, precision })

export const batch = 16
export const size = 224

export const cases = [
  moco('resnet50', 'bf16', 1.2),
  moco('vit_small_patch16_224', 'bf16', 1.4),
  moco('resnet50', 'f32', 1.1),
  moco('vit_small_patch16_224', 'f32', 1.1),
  supervised('resnet50', 'bf16'),
  supervised('vit_small_patch16_224', 'bf16'),
  supervised('resnet50', 'f32'),
  supervised('vit_small_patch16_224', 'f32'),
]

export const nameOf = (one) => `${one.work} ${one.arch} ${one.precision}`

/** How far the first losses of two contenders may differ, of their value. */
export const tolerance = { f32: 1e-4, bf16: 3e-2 }
