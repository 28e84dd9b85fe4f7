// imageEntropies() over the u8 images of a raw file, on one core: the best of three passes.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { imageEntropies } from 'gyrus'

const text = { type: 'string' }
const { values: options } = parseArgs({ options: { input: text, count: text, size: text } })
const images = new Uint8Array(readFileSync(options.input))
let seconds = Infinity
let sample
for (let pass = 0; pass < 3; pass += 1) {
  const start = performance.now()
  sample = await imageEntropies(images, Number(options.count))
  seconds = Math.min(seconds, (performance.now() - start) / 1000)
}
console.log(
  JSON.stringify({ event: 'done', seconds, sample: [...sample], versions: { node: process.version } }),
)
