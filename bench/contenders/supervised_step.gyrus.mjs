// One supervised training step in gyrus: the same work as supervised_step.torch.py.
import { SupervisedTrainer } from 'gyrus'
import { contend, readOptions, readViews } from './gyrus-contender.mjs'

const classes = 10
const options = readOptions()
const trainer = await SupervisedTrainer.create({
  arch: options.arch,
  imageSize: options.size,
  channels: 3,
  batchSize: options.batch,
  classes,
  optimizer: { name: 'adamw', weightDecay: 0.1 },
  precision: options.precision,
  device: 'cpu',
  threads: options.threads,
  seed: 0,
})
const hyper = { lr: 1e-4 }
const [x] = options['write-weights'] ? [] : readViews(options)
const labels = Int32Array.from({ length: options.batch }, (_, row) => row % classes)
await contend(options, trainer, {
  step: () => trainer.step(x, labels, hyper),
  profiled: () => trainer.profile(x, labels, hyper),
})
