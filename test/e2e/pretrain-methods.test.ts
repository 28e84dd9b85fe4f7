// SimCLR and steps over micro-batches, through `pretrain()` and the trainers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MocoTrainer, pretrain, SimclrTrainer } from '../../lib/index.js'
import { jsonLines } from '../support/cli.js'
import { images, tinyMocoOptions } from '../support/model.js'
import { config, consume, digest, folders } from '../support/pretrain.js'
import { rejection } from '../support/rejection.js'

void t.test('micro-batches and SimCLR: runs that go on exactly', async (t) => {
  for (const [name, own] of Object.entries({
    micro: { microBatch: 4 },
    simclr: { preset: 'cpu-simclr-resnet18', microBatch: 2, projector: { norm: 'layer_norm' } },
  } as const)) {
    const { data, out } = folders(t)
    const settings = { ...config, ...own, data }
    const whole = await consume(pretrain({ ...settings, out: `${out}-${name}-whole` }))
    const halves = new AbortController()
    const first = pretrain({ ...settings, out: `${out}-${name}` }, { signal: halves.signal })
    await rejection(
      t,
      (async () => {
        for await (const event of first) if (event.type === 'step' && event.step === 5) halves.abort()
      })(),
      'ERR_GYRUS_ABORTED',
    )
    await consume(pretrain({ ...settings, out: `${out}-${name}` }, { resume: true }))
    t.equal(digest(`${out}-${name}`), digest(`${out}-${name}-whole`), name)
    const [start] = whole
    const chance = name === 'micro' ? 4 * 0.2 * Math.log(8) : Math.log(15)
    t.ok(start?.type === 'start' && Math.abs(start.chance - chance) < 1e-9, 'the line of chance')
    const line = jsonLines(readFileSync(join(`${out}-${name}`, 'metrics.jsonl'), 'utf8'))[6]
    t.equal(typeof line?.['momentum'], name === 'micro' ? 'number' : 'undefined', 'SimCLR has no momentum')
  }
})

void t.test('a step by its parts is the step', async (t) => {
  const options = { ...tinyMocoOptions, batchSize: 4, microBatch: 2 }
  await using once = await MocoTrainer.create(options)
  await using apart = await MocoTrainer.create(options)
  const [x1, x2] = [images(4), images(4, 1)]
  const half = (x: Float32Array, part: number): Float32Array =>
    x.slice((part * x.length) / 2, ((part + 1) * x.length) / 2)
  const hyper = { lr: 0.01 }
  for (let step = 0; step < 2; step += 1) {
    const { loss } = await once.step(x1, x2, hyper)
    for (const part of [0, 1]) await apart.rehearse(part, half(x1, part), half(x2, part), hyper)
    t.equal((await apart.contrast(hyper)).loss, loss)
    for (const part of [0, 1]) await apart.accumulate(part, half(x1, part), half(x2, part), hyper)
  }
  const whole = await rejection(t, apart.rehearse(0, x1, x2, hyper), 'ERR_GYRUS_SHAPE', 'RangeError')
  t.match(whole.message, /microBatch x channels/)
  t.match((await rejection(t, apart.contrast(hyper), 'ERR_GYRUS_INVALID_ARGUMENT')).message, /comes next/)
  const thirds = MocoTrainer.create({ ...options, microBatch: 3 })
  const undivided = await rejection(t, thirds, 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  t.match(undivided.message, /microBatch must be a divisor of batchSize, not 3/)
  await using simclr = await SimclrTrainer.create(tinyMocoOptions)
  const { loss } = await simclr.step(x1, x2, hyper)
  t.ok(Math.abs(loss - Math.log(7)) < 1.5, `SimCLR begins near chance: ${loss}`)
  const parts = await rejection(t, simclr.rehearse(0, x1, x2, hyper), 'ERR_GYRUS_INVALID_ARGUMENT')
  t.match(parts.message, /in one piece/)
})
