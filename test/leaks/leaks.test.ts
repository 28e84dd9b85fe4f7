// A thousand lives of an encoder, and many of the trainers: the engine's memory comes back to nothing each time, and
// the process does not grow.
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Encoder, memory, MocoTrainer, SupervisedTrainer } from '../../lib/index.js'
import { encoderOptions, images, labels, supervisedOptions, tinyMocoOptions } from '../support/model.js'

const allowedGrowth = 24 * 2 ** 20 // bytes: the allocators' and V8's noise; a leaked encoder a cycle would be gigabytes

function residentBytes(): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kib) * 1024
}

/** Runs a life `count` times; the first tenth warms up the allocators. Returns by how many bytes the process grew. */
async function growth(count: number, life: (cycle: number) => Promise<unknown>): Promise<number> {
  let start = 0
  for (let cycle = 0; cycle < count; cycle += 1) {
    if (cycle === Math.ceil(count / 10)) start = residentBytes()
    await life(cycle)
    if (memory().hostBytes !== 0) throw new Error(`cycle ${cycle} left ${memory().hostBytes} bytes`)
  }
  return residentBytes() - start
}

t.setTimeout(300_000)

const tiny = { ...encoderOptions, arch: 'vit_tiny_patch16_224', imageSize: 16 } as const

void t.test('1000 encoders', async (t) => {
  const x = images(1, 0, 16)
  const grown = await growth(1000, async (cycle) => {
    const encoder = await Encoder.load(tiny)
    if (cycle % 5 === 0) await encoder.embed(x)
    await encoder.dispose()
  })
  t.ok(grown < allowedGrowth, `grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
})

void t.test('200 calls of one encoder, of every outcome', async (t) => {
  const encoder = await Encoder.load(tiny)
  const before = memory().hostBytes
  const start = residentBytes()
  for (let call = 0; call < 200; call += 1) {
    await encoder.embed(images(2, 0, 16))
    await t.rejects(encoder.embed(new Float32Array(3)))
    await t.rejects(encoder.embed(images(2, 0, 16), { signal: AbortSignal.abort() }))
  }
  const grown = residentBytes() - start
  t.ok(memory().hostBytes - before < 64 * 2 ** 20, 'a program a size of chunk is kept, no more')
  t.ok(grown < 2 * allowedGrowth, `grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
  await encoder.dispose()
  t.equal(memory().hostBytes, 0)
})

void t.test('trainers, and openings that fail', async (t) => {
  const grown = await growth(20, async () => {
    const moco = await MocoTrainer.create(tinyMocoOptions)
    const supervised = await SupervisedTrainer.create({ ...supervisedOptions, arch: 'vit_tiny_patch16_224' })
    await moco.step(images(), images(), { lr: 0.01 })
    await supervised.step(images(), labels(), { lr: 0.01 })
    await moco.dispose()
    await supervised.dispose()
    await Encoder.load({ ...tiny, seed: undefined, weights: '/nowhere/w' }).catch(() => undefined)
    await MocoTrainer.create({ ...tinyMocoOptions, batchSize: 1 }).catch(() => undefined)
  })
  t.ok(grown < 2 * allowedGrowth, `grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
})

void t.test('what is forgotten without dispose is collected', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let index = 0; index < 5; index += 1) await Encoder.load(tiny)
  for (let round = 0; round < 10 && memory().hostBytes !== 0; round += 1) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.equal(memory().hostBytes, 0)
})
