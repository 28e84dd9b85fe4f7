// The event loop is never blocked: while the engine works, timers come on time.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { MocoTrainer } from '../../lib/index.js'
import { images, mocoOptions } from '../support/model.js'

const size = 224
const resolution = 1 // ms: how often the delay is sampled
const steps = 6
const wanted = 5 // ms
const rounds = 3 // a blocked loop delays timers in every round, other processes only now and then

/** The delay that other processes cause, in ms (99th percentile): that of an idle loop in another thread meanwhile. */
async function idleDelay(work: () => Promise<void>): Promise<number> {
  const worker = new Worker(new URL('idle-loop.js', import.meta.url), { workerData: { resolution } })
  await new Promise((resolve) => worker.once('message', resolve))
  await work()
  const p99 = new Promise<number>((resolve) => worker.once('message', resolve))
  worker.postMessage('report')
  return p99
}

/** The 99th percentile of the loop's delay, in ms, while a trainer is made, steps and is disposed of. */
async function delayWhileTraining(): Promise<{ p99: number; isTurning: boolean }> {
  const buffers = Array.from({ length: 4 }, (_, index) => images(mocoOptions.batchSize, index, size))
  const [a, b, c, d] = buffers as [Float32Array, Float32Array, Float32Array, Float32Array]
  const delay = monitorEventLoopDelay({ resolution })
  const start = performance.now()
  delay.enable()
  const trainer = await MocoTrainer.create({ ...mocoOptions, imageSize: size })
  let pending = trainer.step(a, b, { lr: 0.01 })
  for (let step = 1; step < steps; step += 1) {
    const next = step % 2 === 1 ? trainer.step(c, d, { lr: 0.01 }) : trainer.step(a, b, { lr: 0.01 })
    await pending
    pending = next
  }
  await pending
  await trainer.dispose()
  delay.disable()
  const elapsed = performance.now() - start
  return { p99: delay.percentile(99) / 1e6 - resolution, isTurning: delay.count > elapsed / resolution / 4 }
}

void t.test('delays during creation and steps stay below 5 ms (99th percentile)', async (t) => {
  let best = { p99: Infinity, isTurning: false }
  for (let round = 0; round < rounds && !(best.isTurning && best.p99 < wanted); round += 1) {
    let found = best
    const idle = await idleDelay(async () => {
      found = await delayWhileTraining()
    })
    t.comment(`p99 ${found.p99.toFixed(2)} ms, of an idle loop ${idle.toFixed(2)} ms`)
    if (!best.isTurning || found.p99 < best.p99) best = found
  }
  t.ok(best.isTurning, 'the loop kept turning')
  t.ok(best.p99 < wanted, `p99 is ${best.p99.toFixed(2)} ms`)
})
