// What the gyrus contenders share: the twin of torch_contender.py. With --write-weights a contender only saves the
// weights from which both sides will start.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const text = { type: 'string' }

export function readOptions() {
  const { values } = parseArgs({
    options: {
      arch: text,
      batch: text,
      size: text,
      precision: text,
      threads: text,
      warmup: text,
      steps: text,
      data: text,
      weights: text,
      'write-weights': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  })
  for (const name of ['batch', 'size', 'threads', 'warmup', 'steps']) values[name] = Number(values[name])
  return values
}

/** The two views, each [batch, 3, size, size]. */
export function readViews({ data, batch, size }) {
  const bytes = readFileSync(data)
  const views = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const count = batch * 3 * size * size
  return [views.slice(0, count), views.slice(count, 2 * count)]
}

const print = (message) => process.stdout.write(JSON.stringify(message) + '\n')

/** Runs `step`, which resolves to {loss}, and prints what the harness reads. */
async function measure(options, step) {
  const seconds = []
  let firstLoss
  for (let index = 0; index < 1 + options.warmup + options.steps; index += 1) {
    const started = performance.now()
    const { loss } = await step()
    if (index === 0) {
      firstLoss = loss
      print({ event: 'first step' })
    }
    if (index > options.warmup) seconds.push((performance.now() - started) / 1000)
  }
  const peakBytes = process.resourceUsage().maxRSS * 1024
  print({ event: 'done', seconds, firstLoss, peakBytes, versions: { node: process.version } })
}

/** Prints the kernels of the median of several profiles: one slow moment does not colour the table. */
async function profile(options, run) {
  const profiles = []
  for (let index = 0; index < options.warmup + options.steps; index += 1) {
    const kernels = await run()
    if (index >= options.warmup) profiles.push(kernels)
  }
  const total = (kernels) => kernels.reduce((sum, one) => sum + one.seconds, 0)
  const typical = profiles.sort((a, b) => total(a) - total(b))[profiles.length >> 1]
  print({ event: 'profile', kernels: typical })
}

/** `trainer`: has save(). `step` and `profiled` do one step with and without a time for each kernel. */
export async function contend(options, trainer, { step, profiled }) {
  if (options['write-weights']) await trainer.save(options.weights)
  else if (options.profile) await profile(options, profiled)
  else {
    await trainer.load(options.weights)
    await measure(options, step)
  }
  await trainer[Symbol.asyncDispose]()
}
