// A fine-tuning that was killed goes on behind its last state, and ends as one that was not.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { finetune } from '../../lib/index.js'
import type { FinetuneConfig, TaskCallOptions } from '../../lib/index.js'
import { cli } from '../support/cli.js'
import { consume, quick, writeClassFolder } from '../support/labelled.js'

const folder = t.testdir()
const data = await writeClassFolder(join(folder, 'set'), { counts: { train: 16, test: 8 }, wrong: 1 })
const common = {
  ...{ ...quick, data, cache: join(folder, 'cache'), epochs: 4, saveSeconds: 0 },
  ...{ arch: 'vit_tiny_patch16_224', mixup: 0.4, dropPath: 0.2, layerDecay: 0.8 }, // all that draws
} as const satisfies Partial<FinetuneConfig>

interface Result {
  readonly logits: number[]
  readonly curve: object[]
  readonly bestEpoch: number
}
const resultOf = (out: string): Result => JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result

async function run(
  out: string,
  call: TaskCallOptions = {},
  more: Partial<FinetuneConfig> = {},
): Promise<number[]> {
  const events = await consume(finetune({ ...common, ...more, out }, call))
  return events.flatMap((event) => (event.type === 'epoch' ? [event.epoch] : []))
}

/** Leaves the run at an epoch's event. */
async function leave(out: string, epoch: number): Promise<void> {
  for await (const event of finetune({ ...common, out }))
    if (event.type === 'epoch' && event.epoch === epoch) break
}

const whole = join(folder, 'whole')
t.same(await run(whole), [1, 2, 3, 4])
const wanted = resultOf(whole)

function same(t: Test, out: string): void {
  const { logits, curve, bestEpoch } = resultOf(out)
  t.same([logits, curve, bestEpoch], [wanted.logits, wanted.curve, wanted.bestEpoch])
  t.same(readFileSync(join(out, 'model.safetensors')), readFileSync(join(whole, 'model.safetensors')))
  t.same(readdirSync(out).sort(), ['config.json', 'model.safetensors', 'report.html', 'result.json'])
}

void t.test('a run that was left goes on, to the same bits', async (t) => {
  const out = join(folder, 'left')
  await leave(out, 2)
  t.ok(existsSync(join(out, 'state-2.safetensors')) && existsSync(join(out, 'progress.json')))
  t.equal(readdirSync(out).filter((name) => /^(state|best)-/.test(name)).length, 2, 'older ones are gone')
  t.same(await run(out, { resume: true }), [3, 4])
  same(t, out)
})

void t.test('states that cannot be gone on from', async (t) => {
  for (const spoil of [
    (out: string) => {
      writeFileSync(join(out, 'state-2.safetensors'), 'no state')
    },
    (out: string) => {
      writeFileSync(join(out, 'progress.json'), '{"key":')
    },
    (out: string) => {
      for (const name of readdirSync(out)) if (name.startsWith('best-')) rmSync(join(out, name))
    },
  ]) {
    const out = join(folder, 'spoilt')
    await leave(out, 2)
    spoil(out)
    const events = await consume(finetune({ ...common, out }, { resume: true }))
    t.same(
      events.flatMap((event) => (event.type === 'epoch' ? [event.epoch] : [])),
      [1, 2, 3, 4],
    )
    const told = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
    t.equal(told.filter((message) => message.startsWith('the epochs before are done again: ')).length, 1)
    same(t, out)
    rmSync(out, { recursive: true })
  }
})

void t.test('a run that is killed', async (t) => {
  const out = join(folder, 'killed')
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify(common))
  const flags = ['finetune', 'classify', '--config', config, '--out', out, '--json']
  const child = spawn(process.execPath, [cli, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
    if (seen.includes('"epoch":2,')) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.once('close', resolve))
  t.notOk(existsSync(join(out, 'result.json')))
  const epochs = await run(out, { resume: true })
  t.ok(epochs.length > 0 && epochs.length <= 2, `epochs ${epochs.join(', ')} were left`)
  same(t, out)
})
