// Which way the views go to the engine, and in which order: stand-ins for the loader and the trainer note their calls.
import t, { type Test } from 'tap'
import { Feeder } from '../../lib/pretrain/feeder.js'
import type { FedTrainer, FeedingLoader } from '../../lib/pretrain/view-source.js'
import type { SessionInfo, StepResult } from '../../lib/native.js'
import type { FillOptions } from '../../lib/options/view-loader.js'

const info = { slices: 9, samples: 9, stepsPerEpoch: 2, sliceSize: 20 }
const form = { imageSize: 4, channels: 1, mean: 0.5, std: 0.25 }
const shape = { batchSize: 4, channels: 1, imageSize: 4 } as const
const hyper = { lr: 0.1, momentum: 0.9 }
const feed = { isOpen: () => true }

/** What was called, and how many pairs of arrays were seen. */
interface Notes {
  readonly calls: string[]
  readonly arrays: Set<Float32Array>
}

function pretend(device: string, hasFeed = device === 'cuda'): [FeedingLoader, FedTrainer, Notes] {
  const notes: Notes = { calls: [], arrays: new Set() }
  const note = <Result>(call: string, result: Result): Promise<Result> => {
    notes.calls.push(call)
    return Promise.resolve(result)
  }
  const seen = (...arrays: Float32Array[]): void => {
    for (const array of arrays) notes.arrays.add(array)
  }
  const share = (options: FillOptions | undefined): string => `${options?.part}/${options?.parts}`
  const result: StepResult = { loss: 1, hits: 0, seconds: 0.5 }
  const loader: FeedingLoader = {
    info,
    form,
    fill: (step, x1, x2, options) => {
      seen(x1, x2)
      return note(`fill ${step} ${share(options)}`, 0)
    },
    feed: (step, to, options) => note(`feed ${step} ${share(options)}${to === feed ? '' : ' elsewhere'}`, 0),
  }
  const trainer: FedTrainer = {
    info: { device } as SessionInfo,
    openFeed: (from) => {
      const { sliceSize } = from.info
      return note(`open ${sliceSize} ${JSON.stringify(from.form)}`, hasFeed ? feed : undefined)
    },
    step: (x1, x2) => {
      seen(x1, x2)
      return note('step', result)
    },
    rehearse: (part) => note(`rehearse ${part}`, 0.25),
    contrast: () => note('contrast', result),
    accumulate: (part) => note(`accumulate ${part}`, 0.25),
    stepFed: (step) => note(`step ${step}`, result),
    rehearseFed: (step, part) => note(`rehearse ${step} ${part}`, 0.25),
    accumulateFed: (step, part) => note(`accumulate ${step} ${part}`, 0.25),
  }
  return [loader, trainer, notes]
}

async function run(t: Test, feeder: Feeder, steps: number, seconds: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) t.match(await feeder.step(hyper), { loss: 1, seconds })
  await feeder.end()
}

void t.test('on the CPU: views in two pairs of arrays, the next drawn while a step runs', async (t) => {
  const [loader, trainer, { calls, arrays }] = pretend('cpu')
  await run(t, await Feeder.open(loader, trainer, shape, 5, 8), 3, 0.5)
  t.same(calls, ['fill 5 0/1', 'step', 'fill 6 0/1', 'step', 'fill 7 0/1', 'step'])
  t.equal(arrays.size, 4)
  t.ok([...arrays].every(({ length }) => length === 64))
})

void t.test('on a GPU: slices for a feed of the loader that there is', async (t) => {
  const [loader, trainer, { calls, arrays }] = pretend('cuda')
  await run(t, await Feeder.open(loader, trainer, shape, 5, 8), 3, 0.5)
  t.same(calls, [
    'open 20 {"imageSize":4,"channels":1,"mean":0.5,"std":0.25}',
    ...['feed 5 0/1', 'step 5', 'feed 6 0/1', 'step 6', 'feed 7 0/1', 'step 7'],
  ])
  t.equal(arrays.size, 0, 'no array')
})

void t.test('over micro-batches: each part twice, in the order in which it is taken', async (t) => {
  const micro = { ...shape, microBatch: 2 }
  const [loader, trainer, { calls }] = pretend('cuda')
  await run(t, await Feeder.open(loader, trainer, micro, 0, 2), 2, 1.5)
  const ofStep = (step: number, next: readonly string[]): string[] => [
    ...[`rehearse ${step} 0`, `feed ${step} 1/2`, `rehearse ${step} 1`, `feed ${step} 0/2`, 'contrast'],
    ...[`accumulate ${step} 0`, `feed ${step} 1/2`, `accumulate ${step} 1`, ...next],
  ]
  t.same(calls.slice(1), ['feed 0 0/2', ...ofStep(0, ['feed 1 0/2']), ...ofStep(1, [])])
  const [hostLoader, hostTrainer, host] = pretend('cpu')
  await run(t, await Feeder.open(hostLoader, hostTrainer, micro, 0, 2), 2, 1.5)
  t.same(
    host.calls,
    calls.slice(1).map((call) => call.replace('feed', 'fill').replace(/^(rehearse|accumulate) \d/, '$1')),
    'the same on the CPU',
  )
})

void t.test('a trainer that opens no feed gets views; what fails in drawing fails the step', async (t) => {
  const [loader, trainer, { calls }] = pretend('cuda', false)
  await run(t, await Feeder.open(loader, trainer, shape, 0, 1), 1, 0.5)
  t.same(calls.slice(1), ['fill 0 0/1', 'step'])
  const [good, fed] = pretend('cuda')
  const bad = { ...good, feed: () => Promise.reject(new Error('cut off')) }
  const feeder = await Feeder.open(bad, fed, shape, 0, 1)
  await t.rejects(feeder.step(hyper), /cut off/)
  await feeder.end()
})
