// Both pipelines of MoCo v3 over the slices of a shard, on one thread: pairs of 224 px views a second.
import { parseArgs } from 'node:util'
import { mocoViews, ViewLoader } from 'gyrus'

const text = { type: 'string' }
const { values: options } = parseArgs({ options: { shard: text, pairs: text } })
const batchSize = 64
const elements = batchSize * 224 ** 2
const loader = await ViewLoader.open({
  shards: [options.shard],
  imageSize: 224,
  batchSize,
  threads: 1,
  views: mocoViews(0.08),
})
const [x1, x2] = [new Float32Array(elements), new Float32Array(elements)]
const batches = Math.ceil(Number(options.pairs) / batchSize)
await loader.fill(0, x1, x2)
const start = performance.now()
for (let batch = 1; batch <= batches; batch += 1) await loader.fill(batch, x1, x2)
const seconds = (performance.now() - start) / 1000
await loader.dispose()
console.log(
  JSON.stringify({
    event: 'done',
    pairsPerSecond: (batches * batchSize) / seconds,
    versions: { node: process.version },
  }),
)
