// The matrix method x state: what each call does on an object that is idle, stepping, full, failed or disposed.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Encoder, memory, MocoTrainer, SupervisedTrainer, type ErrorCode } from '../../lib/index.js'
import { encoderOptions, images, labels, mocoOptions, supervisedOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'

interface Subject {
  /** Calls by name; each makes its own buffers, so that only the state decides. */
  calls: Record<string, () => Promise<unknown>>
  /** The call that takes a while. */
  work: () => Promise<unknown>
  dispose: () => Promise<void>
}

type Maker = (t: Test) => Promise<Subject>

const makers: Record<string, Maker> = {
  Encoder: async (t) => {
    const encoder = await Encoder.load(encoderOptions)
    const input = join(t.testdirName, 'missing.npy')
    return {
      work: () => encoder.embed(images(8)),
      calls: {
        embed: () => encoder.embed(images(1)),
        embedFile: () => reject(encoder.embedFile(input, `${input}.out`), 'ERR_GYRUS_FILE_NOT_FOUND'),
      },
      dispose: () => encoder.dispose(),
    }
  },
  MocoTrainer: async (t) => {
    const trainer = await MocoTrainer.create(mocoOptions)
    const path = join(t.testdir(), 'moco.safetensors')
    await trainer.save(path)
    const step = () => trainer.step(images(), images(undefined, 1), { lr: 0.01 })
    return {
      work: step,
      calls: { step, load: () => trainer.load(path), save: () => trainer.save(path) },
      dispose: () => trainer.dispose(),
    }
  },
  SupervisedTrainer: async (t) => {
    const trainer = await SupervisedTrainer.create(supervisedOptions)
    const path = join(t.testdir(), 'supervised.safetensors')
    await trainer.save(path)
    const step = () => trainer.step(images(), labels(), { lr: 0.01 })
    return {
      work: step,
      calls: { step, load: () => trainer.load(path), save: () => trainer.save(path) },
      dispose: () => trainer.dispose(),
    }
  },
}

/** Resolves when the promise rejects with that code, as if the call had done its work. */
async function reject(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  try {
    await promise
  } catch (error) {
    if ((error as { code?: unknown }).code === code) return
    throw error
  }
  throw new Error(`expected ${code}`)
}

for (const [name, make] of Object.entries(makers)) {
  void t.test(`${name}, idle: every call works`, async (t) => {
    const subject = await make(t)
    for (const [method, call] of Object.entries(subject.calls)) await t.resolves(call(), method)
    await subject.dispose()
  })

  void t.test(`${name}, working: every call waits its turn`, async (t) => {
    const subject = await make(t)
    for (const [method, call] of Object.entries(subject.calls)) {
      const order: string[] = []
      const first = subject.work().then(() => order.push('work'))
      const second = call().then(() => order.push(method))
      await Promise.all([first, second])
      t.same(order, ['work', method])
    }
    await subject.dispose()
  })

  void t.test(`${name}, one working and one waiting: every call is refused, dispose is not`, async (t) => {
    const subject = await make(t)
    const both = [subject.work(), subject.work()]
    for (const [method, call] of Object.entries(subject.calls)) {
      const error = await rejectionOf(call())
      t.equal(error.code, 'ERR_GYRUS_BUSY', method)
      t.match(error.message, /await the first/)
    }
    const disposal = subject.dispose()
    t.equal((await Promise.allSettled(both)).filter(({ status }) => status === 'fulfilled').length, 2)
    await disposal
  })

  void t.test(`${name}, disposed while working: the work ends first, later calls are refused`, async (t) => {
    const subject = await make(t)
    const order: string[] = []
    const work = subject.work().then(() => order.push('work'))
    const disposal = subject.dispose().then(() => order.push('disposed'))
    for (const [method, call] of Object.entries(subject.calls)) {
      t.equal((await rejectionOf(call())).code, 'ERR_GYRUS_DISPOSED', method)
    }
    await Promise.all([work, disposal])
    t.same(order, ['work', 'disposed'])
  })

  void t.test(`${name}, disposed: every call is refused, dispose works again`, async (t) => {
    const subject = await make(t)
    await subject.dispose()
    for (const [method, call] of Object.entries(subject.calls)) {
      const error = await rejectionOf(call())
      t.equal(error.code, 'ERR_GYRUS_DISPOSED', method)
      t.equal(error.name, 'GyrusError')
    }
    await t.resolves(subject.dispose())
  })
}

async function rejectionOf(promise: Promise<unknown>): Promise<Error & { code: unknown }> {
  try {
    await promise
  } catch (error) {
    return error as Error & { code: unknown }
  }
  throw new Error('expected a rejection')
}

void t.test('await using disposes', async (t) => {
  let kept: Encoder
  {
    await using encoder = await Encoder.load(encoderOptions)
    await using trainer = await MocoTrainer.create(mocoOptions)
    await using classifier = await SupervisedTrainer.create(supervisedOptions)
    t.equal(encoder.dim, 512)
    t.equal(trainer.info.device, 'cpu')
    t.equal(classifier.info.precision, 'f32')
    kept = encoder
  }
  await rejection(t, kept.embed(images(1)), 'ERR_GYRUS_DISPOSED')
})

void t.test('failed: every call rejects with the first cause, dispose works', (t) => {
  const fixture = fileURLToPath(new URL('fail-by-memory.js', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture], { encoding: 'utf8' })
  if (stdout.includes('"skip"')) {
    t.pass('prlimit is not on this machine', { skip: true })
    t.end()
    return
  }
  t.equal(status, 0, stderr)
  const { first, second, disposed, hostBytes } = JSON.parse(stdout) as Record<string, string | number>
  t.match(first, /^ERR_GYRUS_OUT_OF_MEMORY/)
  t.match(second, /^ERR_GYRUS_OUT_OF_MEMORY the object failed earlier; dispose of it: /)
  t.equal(disposed, 'yes')
  t.equal(hostBytes, 0)
  t.end()
})

void t.test('nothing is left', (t) => {
  t.equal(memory().hostBytes, 0)
  t.end()
})
