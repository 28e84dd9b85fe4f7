// Fixture of workers.test.ts: `exit-mid-step.js HOW` ends this process in the middle of a step, with another waiting.
import { MocoTrainer } from '../../lib/index.js'
import { images, mocoOptions } from '../support/model.js'

const how = process.argv[2]
const size = 224
process.on('exit', () => {
  console.log('exiting')
})
if (how === 'process.exit while opening') setTimeout(() => process.exit(7), 5)
const trainer = await MocoTrainer.create({ ...mocoOptions, imageSize: size })
const batch = (phase: number) => images(mocoOptions.batchSize, phase, size)
const steps = [trainer.step(batch(0), batch(1), { lr: 0.01 }), trainer.step(batch(2), batch(3), { lr: 0.01 })]
const outcome = Promise.allSettled(steps)

if (how === 'process.exit mid-step') setTimeout(() => process.exit(7), 5)
if (how === 'throw') {
  setTimeout(() => {
    throw new Error('on purpose')
  }, 5)
}
if (how === 'idle') {
  // Settled but never disposed: an idle engine thread must not keep the process alive.
  const settled = await outcome
  console.log(settled.map(({ status }) => status).join(' '))
}
if (how === 'pending') {
  // Nothing else to do: the pending steps alone keep the process alive until they settle.
  void outcome.then(() => {
    console.log('settled')
  })
}
