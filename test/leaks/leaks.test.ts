// A thousand lives of every kind of session, in a process of their own each: the engine's memory comes back to nothing
// each time, and the process does not grow.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Encoder, memory, MocoTrainer, ViewLoader } from '../../lib/index.js'
import { encoderOptions, images, tinyMocoOptions } from '../support/model.js'
import { collect, growth, kinds, residentBytes } from './growth.js'

const allowedGrowth = 10 * 2 ** 20 // bytes: the noise of the allocators and of V8; 15 KiB a life

t.setTimeout(300_000)

const tiny = { ...encoderOptions, arch: 'vit_tiny_patch16_224', imageSize: 16 } as const

for (const kind of kinds) {
  void t.test(`1000 ${kind}`, (t) => {
    const fixture = fileURLToPath(new URL('lives.js', import.meta.url))
    const folder = t.testdir()
    const { status, stdout, stderr } = spawnSync(process.execPath, [fixture, kind, folder], {
      encoding: 'utf8',
    })
    t.equal(status, 0, stderr)
    const grown = Number(stdout)
    t.ok(grown < allowedGrowth, `grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
    t.end()
  })
}

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
  t.ok(grown < 5 * allowedGrowth, `grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
  await encoder.dispose()
  t.equal(memory().hostBytes, 0)
})

void t.test('openings that fail', async (t) => {
  const grown = await growth(200, async () => {
    await Encoder.load({ ...tiny, seed: undefined, weights: '/nowhere/w' }).catch(() => undefined)
    await MocoTrainer.create({ ...tinyMocoOptions, batchSize: 1 }).catch(() => undefined)
    await MocoTrainer.create({ ...tinyMocoOptions, optimizer: { name: 'sgd', momentum: 2 } }).catch(
      () => undefined,
    )
    await ViewLoader.open({ shards: ['/nowhere/a.npy'], imageSize: 16 }).catch(() => undefined)
  })
  t.ok(grown < allowedGrowth, `grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
})

void t.test('what is forgotten without dispose is collected', async (t) => {
  for (let index = 0; index < 5; index += 1) await Encoder.load(tiny)
  for (let round = 0; round < 10 && memory().hostBytes !== 0; round += 1) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.equal(memory().hostBytes, 0)
})
