// One MoCo v3 training step in gyrus: the same work as moco_step.torch.py.
import { MocoTrainer } from 'gyrus'
import { contend, readOptions, readViews } from './gyrus-contender.mjs'

const options = readOptions()
const trainer = await MocoTrainer.create({
  arch: options.arch,
  imageSize: options.size,
  channels: 3,
  batchSize: options.batch,
  temperature: 0.2,
  projector: { hidden: 4096, out: 256 },
  optimizer: { name: 'adamw', weightDecay: 0.1 },
  precision: options.precision,
  device: 'cpu',
  threads: options.threads,
  seed: 0,
})
const hyper = { lr: 1e-4, momentum: 0.99 }
const [x1, x2] = options['write-weights'] ? [] : readViews(options)
await contend(options, trainer, {
  step: () => trainer.step(x1, x2, hyper),
  profiled: () => trainer.profile(x1, x2, hyper),
})
