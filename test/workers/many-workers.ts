// Fixture of workers.test.ts, in a process of its own so that a crash is an exit status:
// `many-workers.js COUNT ENDING`.
import { Worker } from 'node:worker_threads'
import { memory } from '../../lib/index.js'

const count = Number(process.argv[2])
const ending = process.argv[3] ?? 'terminated'
const together = 4 // workers at a time
let endings = 0

async function one(): Promise<void> {
  const worker = new Worker(new URL('step-forever.js', import.meta.url), { workerData: { ending } })
  const ended = new Promise<void>((resolve, reject) => {
    // Comes after the environment was cleaned up.
    worker.once('exit', () => {
      resolve()
    })
    worker.once('error', (error) => {
      if (ending !== 'throw') reject(error)
    })
  })
  if (ending === 'terminated') {
    await new Promise((resolve) => worker.once('message', resolve))
    await worker.terminate()
  }
  await ended
  endings += 1
}

await Promise.all(
  Array.from({ length: together }, async (_, lane) => {
    for (let index = lane; index < count; index += together) await one()
  }),
)
console.log(JSON.stringify({ endings, hostBytes: memory().hostBytes }))
