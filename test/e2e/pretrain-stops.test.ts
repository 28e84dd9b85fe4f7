// Pretraining that is stopped, or ends, where that must not change what the run leaves: between two probes, and while
// the embeddings look collapsed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pretrain, type PretrainEvent } from '../../lib/index.js'
import { config, consume, consumeUntil, digest, folders, writeLabels } from '../support/pretrain.js'
import { rejection } from '../support/rejection.js'

const linesOf = (out: string): string[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8').trimEnd().split('\n')

void t.test('a stop between two probes leaves no probe behind', async (t) => {
  const { data, out } = folders(t)
  const probed = { ...config, data, probe: { labels: writeLabels(data) } }
  await consume(pretrain({ ...probed, out: `${out}-whole` }))
  const run = (signal: AbortSignal) => pretrain({ ...probed, out }, { signal })
  await rejection(t, consumeUntil(5, run), 'ERR_GYRUS_ABORTED')
  await consume(pretrain({ ...probed, out }, { resume: true }))
  t.same(linesOf(out), linesOf(`${out}-whole`))
  t.equal(digest(out), digest(`${out}-whole`))
  t.same(
    linesOf(out).flatMap((line, at) => (line.includes('"probe"') ? [at + 1] : [])),
    [4, 8, 12],
  )
})

/** Every look is a bad one: what a collapsed network looks like, without waiting for one. */
const alwaysBad = (checks: number, healthEvery: number) =>
  ({ ...config, healthEvery, collapse: { std: 100, rank: 1e6, checks } }) as const

void t.test(
  'a run that ends with collapsed embeddings says so and names the last good checkpoint',
  async (t) => {
    const { data, out } = folders(t)
    const collapsing = { ...alwaysBad(5, 5), data, out } // looks after steps 5 and 10, and at the end
    const error = await rejection(t, consume(pretrain(collapsing)), 'ERR_GYRUS_COLLAPSED')
    t.match(error.message, /^step 12: .*the last good checkpoint is .*step-00000004; lower baseLr/)
    t.same(readdirSync(join(out, 'checkpoints')), ['step-00000004'])
    const short = { ...alwaysBad(5, 5), data, out: `${out}-short`, steps: 5, saveEvery: 10 }
    const nothing = await rejection(t, consume(pretrain(short)), 'ERR_GYRUS_COLLAPSED')
    t.match(nothing.message, /^step 5: .*there is no earlier checkpoint/)
  },
)

void t.test('a stop while the embeddings look collapsed keeps the steps, and the looks', async (t) => {
  const { data, out } = folders(t)
  const collapsing = { ...alwaysBad(3, 2), saveEvery: 1, data } // looks after steps 2, 4 and 6
  const whole = await rejection(
    t,
    consume(pretrain({ ...collapsing, out: `${out}-whole` })),
    'ERR_GYRUS_COLLAPSED',
  )
  const events: PretrainEvent[] = []
  const run = (signal: AbortSignal) => pretrain({ ...collapsing, out }, { signal })
  await rejection(t, consumeUntil(4, run, events), 'ERR_GYRUS_ABORTED')
  t.match(events.at(-2), {
    type: 'warning',
    message: /looked collapsed 2 times: .*step-00000005 is to continue from/,
  })
  t.match(events.at(-1), { type: 'checkpoint', step: 5 })
  t.same(readdirSync(join(out, 'checkpoints')), ['step-00000001', 'step-00000005'])
  const good = readFileSync(join(out, 'checkpoints', 'step-00000001', 'backbone.safetensors'))
  t.ok(
    good.equals(readFileSync(join(out, 'backbone.safetensors'))),
    'the weights in the folder are the good ones',
  )
  const continued = await rejection(
    t,
    consume(pretrain({ ...collapsing, out }, { resume: true })),
    'ERR_GYRUS_COLLAPSED',
  )
  t.equal(
    continued.message,
    whole.message.replaceAll(`${out}-whole`, out),
    'the same verdict at the same step',
  )
  t.ok(good.equals(readFileSync(join(out, 'backbone.safetensors'))))
  t.same(linesOf(out), linesOf(`${out}-whole`))
})
