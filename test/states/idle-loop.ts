// Fixture of event-loop.test.ts: a worker whose event loop has nothing to do, and which says how late its timers come.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'

const { resolution } = workerData as { resolution: number }
const delay = monitorEventLoopDelay({ resolution })
delay.enable()
parentPort?.postMessage('measuring')
parentPort?.once('message', () => {
  delay.disable()
  parentPort?.postMessage(delay.percentile(99) / 1e6 - resolution)
})
