// A worker that opens a trainer and steps without end. It says when its first step is under way, and is then ended from
// outside, mid-step; or it ends itself, as told.
import { parentPort, workerData } from 'node:worker_threads'
import { MocoTrainer } from '../../lib/index.js'
import { images, tinyMocoOptions } from '../support/model.js'

const { ending } = workerData as { ending: 'terminated' | 'process.exit' | 'throw' | 'finish' }
const trainer = await MocoTrainer.create(tinyMocoOptions)
const step = (phase: number) =>
  trainer.step(images(undefined, phase), images(undefined, phase + 1), { lr: 0.01 })

const first = step(0)
const second = step(2)
parentPort?.postMessage('stepping')
if (ending === 'process.exit') process.exit(0)
if (ending === 'throw') throw new Error('on purpose')
if (ending === 'finish') {
  // Neither awaited nor disposed: the pending steps keep the worker alive, then it ends by itself.
  void Promise.all([first, second])
} else {
  await first
  await second
  for (;;) await step(4)
}
