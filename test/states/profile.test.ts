// profile(): the same step as step(), with the time and the work of every kernel.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { memory, MocoTrainer, SupervisedTrainer, type KernelTime } from '../../lib/index.js'
import { batchSize, images, labels, mocoOptions, supervisedOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'

const size = 224 // pixels: a step takes long enough to be interrupted

/** `seconds`: what the whole call took. */
function checkKernels(t: Test, kernels: KernelTime[], seconds: number): void {
  t.ok(kernels.length > 50, `${kernels.length} kernels; a step of a ResNet-18 has more than 50`)
  const keys = new Set(kernels.map((kernel) => Object.keys(kernel).join()))
  t.same([...keys], ['name,kind,seconds,flops,bytes'])
  const isSound = ({ name, kind, seconds, flops, bytes }: KernelTime): boolean =>
    name.length > 0 && /^[a-z][a-z0-9_]+$/.test(kind) && [seconds, flops, bytes].every((value) => value >= 0)
  t.same(
    kernels.filter((kernel) => !isSound(kernel)),
    [],
  )
  const total = kernels.reduce((sum, one) => sum + one.seconds, 0)
  t.ok(total > 0 && total <= seconds, `${total} s in kernels of a call of ${seconds} s`)
  const kinds = new Set(kernels.map((one) => one.kind))
  for (const kind of ['conv2d', 'batch_norm', 'sgd_update']) t.ok(kinds.has(kind), `${kind} is there`)
}

interface Trainer extends AsyncDisposable {
  save(path: string): Promise<void>
}

/** What `act` resolved to, and the file of the trainer's weights afterwards. */
async function run<Result, Kind extends Trainer>(
  path: string,
  trainer: Kind,
  act: (trainer: Kind) => Promise<Result>,
): Promise<[Result, Buffer]> {
  const result = await act(trainer)
  await trainer.save(path)
  await trainer[Symbol.asyncDispose]()
  return [result, readFileSync(path)]
}

void t.test('MocoTrainer: the step happens and its kernels are told', async (t) => {
  const path = join(t.testdir(), 'weights.safetensors')
  const [x1, x2] = [images(), images(undefined, 1)]
  const hyper = { lr: 0.05, momentum: 0.9 }
  const [plain, wanted] = await run(path, await MocoTrainer.create(mocoOptions), async (trainer) => {
    await trainer.step(x1, x2, hyper)
    await trainer.step(x1, x2, hyper)
    return trainer.step(x1, x2, hyper)
  })
  const [result, found] = await run(path, await MocoTrainer.create(mocoOptions), async (trainer) => {
    await trainer.step(x1, x2, hyper)
    const started = performance.now()
    const kernels = await trainer.profile(x1, x2, hyper)
    checkKernels(t, kernels, (performance.now() - started) / 1000)
    // Of a 7 x 7 convolution of stride 2: 16 x 16 positions of 64 channels, 49 multiply-adds each.
    const stem = kernels.find((one) => one.kind === 'conv2d' && one.name.endsWith('_encoder.conv1'))
    t.equal(stem?.flops, 2 * batchSize * 16 * 16 * 64 * 49)
    return trainer.step(x1, x2, hyper)
  })
  t.equal(result.loss, plain.loss, 'the loss of the third step')
  t.ok(found.equals(wanted), 'the weights after it, to the bit')
})

void t.test('SupervisedTrainer: the step happens and its kernels are told', async (t) => {
  const path = join(t.testdir(), 'weights.safetensors')
  const hyper = { lr: 0.05 }
  const create = () => SupervisedTrainer.create(supervisedOptions)
  const [plain, wanted] = await run(path, await create(), async (trainer) => {
    await trainer.step(images(), labels(), hyper)
    await trainer.step(images(), labels(), hyper)
    return trainer.step(images(), labels(), hyper)
  })
  const [result, found] = await run(path, await create(), async (trainer) => {
    await trainer.step(images(), labels(), hyper)
    const started = performance.now()
    const kernels = await trainer.profile(images(), labels(), hyper)
    checkKernels(t, kernels, (performance.now() - started) / 1000)
    return trainer.step(images(), labels(), hyper)
  })
  t.equal(result.loss, plain.loss, 'the loss of the third step')
  t.ok(found.equals(wanted), 'the weights after it, to the bit')
})

void t.test('a signal ends it half-way', async (t) => {
  await using trainer = await MocoTrainer.create({ ...mocoOptions, imageSize: size })
  const controller = new AbortController()
  const view = (phase: number) => images(batchSize, phase, size)
  const call = trainer.profile(view(0), view(1), { lr: 0.1, signal: controller.signal })
  await sleep(50)
  controller.abort('enough')
  t.equal((await rejection(t, call, 'ERR_GYRUS_ABORTED')).cause, 'enough')
  const refused = await rejection(t, trainer.step(view(0), view(1), { lr: 0.1 }), 'ERR_GYRUS_ABORTED')
  t.match(refused.message, /aborted half-way; load the last saved weights/)
})

void t.test('a signal that was set before', async (t) => {
  const signal = AbortSignal.abort()
  await using trainer = await SupervisedTrainer.create(supervisedOptions)
  await rejection(t, trainer.profile(images(), labels(), { lr: 0, signal }), 'ERR_GYRUS_ABORTED')
})

void t.test('bad arguments are refused as by step()', async (t) => {
  const short = new Float32Array(3)
  const wide = new Float64Array(images().length) as unknown as Float32Array
  const bare = {} as { lr: number }
  await using moco = await MocoTrainer.create(mocoOptions)
  await using supervised = await SupervisedTrainer.create(supervisedOptions)
  const wrong = Int32Array.of(0, 1, 2, 3)
  type Row = [call: () => Promise<unknown>, twin: () => Promise<unknown>, pattern: RegExp]
  const x = images()
  const rows: Row[] = [
    [() => moco.profile(short, x, { lr: 0 }), () => moco.step(short, x, { lr: 0 }), /x1 has 3 elements/],
    [() => moco.profile(x, wide, { lr: 0 }), () => moco.step(x, wide, { lr: 0 }), /x2 is a Float64Array/],
    [() => moco.profile(x, images(), bare), () => moco.step(x, images(), bare), /lr must be a number/],
    [
      () => supervised.profile(x, wrong, { lr: 0 }),
      () => supervised.step(x, wrong, { lr: 0 }),
      /labels\[3\] is 3; with 3 classes/,
    ],
    [() => supervised.profile(x, labels(), bare), () => supervised.step(x, labels(), bare), /lr must be/],
  ]
  const reason = async (call: () => Promise<unknown>): Promise<Error & { code?: unknown }> =>
    call().then(
      () => new Error('no rejection'),
      (error: unknown) => error as Error,
    )
  for (const [call, twin, pattern] of rows) {
    const [found, wanted] = [await reason(call), await reason(twin)]
    t.match(found.message, pattern)
    t.equal(found.message.replace('.profile', '.step'), wanted.message)
    t.equal(found.name, wanted.name)
    t.equal(found.code, wanted.code)
  }
  t.ok((await moco.profile(x, images(undefined, 1), { lr: 0 })).length > 0, 'and it still works')
})

void t.test('nothing is left', (t) => {
  t.equal(memory().hostBytes, 0)
  t.end()
})
