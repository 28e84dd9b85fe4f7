// One preset at 224 px: steps fed by the loader, as `gyrus pretrain` runs them, in alternation with the same step over
// views that lie there already. Blocks of both follow one another in one process, so that a slow minute hits both.
import { parseArgs } from 'node:util'
import { openTrainer } from '../../dist/lib/pretrain/engine.js'
import { resolveConfig } from '../../dist/lib/pretrain/config.js'
import { Feeder } from '../../dist/lib/pretrain/feeder.js'
import { ViewLoader } from '../../dist/lib/index.js'

const text = { type: 'string' }
const { values: options } = parseArgs({
  options: { shard: text, preset: text, batch: text, threads: text, rounds: text, block: text },
})
const batchSize = Number(options.batch)
const [rounds, block] = [Number(options.rounds), Number(options.block)]
const settings = resolveConfig({
  data: '.',
  out: '.',
  preset: options.preset,
  imageSize: 224,
  batchSize,
  threads: Number(options.threads),
})
const { imageSize, channels, mean, std, views } = settings
const loader = await ViewLoader.open({
  ...{ shards: [options.shard], imageSize, channels, batchSize, mean, std, views, threads: 1 },
})
const trainer = await openTrainer(settings)
const hyper = { lr: 0, momentum: 1 }
const [x1, x2] = [0, 1].map(() => new Float32Array(batchSize * channels * imageSize ** 2))
await loader.fill(0, x1, x2)
await trainer.step(x1, x2, hyper)

/** Seconds of a block of steps. */
async function timed(step) {
  const start = performance.now()
  for (let index = 0; index < block; index += 1) await step()
  return (performance.now() - start) / 1000
}

const bare = []
const fed = []
let waited = 0
for (let round = 0; round < rounds; round += 1) {
  bare.push(await timed(() => trainer.step(x1, x2, hyper)))
  // A feeder draws ahead: its first views are ready before the block's clock starts, its last step draws no others.
  const feeder = await Feeder.open(loader, trainer, settings, round * (block + 1), (round + 1) * (block + 1))
  await feeder.step(hyper)
  fed.push(
    await timed(async () => {
      waited += (await feeder.step(hyper)).wait
    }),
  )
  await feeder.end()
}
await trainer.dispose()
await loader.dispose()
console.log(JSON.stringify({ event: 'done', bare, fed, waited, versions: { node: process.version } }))
