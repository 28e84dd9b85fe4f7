// linearProbe() on features in memory, standardising included: the best of three.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { linearProbe } from 'gyrus'

const text = { type: 'string' }
const { values: options } = parseArgs({
  options: { features: text, labels: text, images: text, classes: text, width: text },
})
const [images, classes, dim] = [options.images, options.classes, options.width].map(Number)
const features = new Float32Array(readFileSync(options.features).buffer)
const labels = new Int32Array(readFileSync(options.labels).buffer)
const [train, test] = [features.slice(0, images * dim), features.slice(images * dim)]
const known = labels.slice(0, images)
let seconds = Infinity
let result
for (let pass = 0; pass < 3; pass += 1) {
  const start = performance.now()
  result = await linearProbe(train, known, test, { dim, classes, l2: 1e-3 })
  seconds = Math.min(seconds, (performance.now() - start) / 1000)
}
const count = test.length / dim
let right = 0
for (let row = 0; row < count; row += 1) {
  const logits = [...result.logits.subarray(row * classes, (row + 1) * classes)]
  if (logits.indexOf(Math.max(...logits)) === labels[images + row]) right += 1
}
const { loss, iterations } = result
const versions = { node: process.version }
console.log(JSON.stringify({ event: 'done', seconds, loss, iterations, accuracy: right / count, versions }))
