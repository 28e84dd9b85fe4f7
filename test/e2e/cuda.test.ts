// Devices: what 'cuda' and 'auto' do on a machine with and without a GPU, in a build with and without the CUDA backend.
// GYRUS_EXPECTS_CUDA (scripts/test cuda): the backend must be in this build.
import { join } from 'node:path'
import t from 'tap'
import { doctor, isGyrusError, MocoTrainer, ViewLoader } from '../../lib/index.js'
import { gyrus } from '../support/cli.js'
import { images, tinyMocoOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'
import { writeCurated } from '../support/shards.js'

const report = await doctor()
const isExpected = process.env['GYRUS_EXPECTS_CUDA'] !== undefined

/** The messages of an error and of its causes, the outermost first. */
function chain(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...chain(error.cause)] : []
}

async function failure(): Promise<unknown> {
  try {
    const trainer = await MocoTrainer.create({ ...tinyMocoOptions, device: 'cuda' })
    await trainer[Symbol.asyncDispose]()
    return undefined
  } catch (error) {
    return error
  }
}

const problem = await failure()

void t.test('this build is the one that is tested', (t) => {
  t.ok(report.isCudaCompiled || !isExpected, 'the CUDA backend is in it where it should be')
  t.end()
})

void t.test("'cuda' without a usable GPU: what was found, and where it was looked for", (t) => {
  if (problem === undefined) {
    t.ok(report.isCudaCompiled, 'there is one')
    t.end()
    return
  }
  t.ok(isGyrusError(problem) && problem.code === 'ERR_GYRUS_CUDA_UNAVAILABLE')
  const [message = '', ...causes] = chain(problem)
  if (!report.isCudaCompiled) {
    t.match(message, /no CUDA backend.*scripts\/setup cuda/)
    t.end()
    return
  }
  t.match(message, /use device: 'cpu' or 'auto'/)
  t.ok(causes.length > 0, 'it has a cause')
  const driver = report.cudaLibraries.find(({ name }) => name.startsWith('libcuda.'))
  if (driver?.path === null) {
    t.match(causes[0], /no NVIDIA driver/)
    t.match(causes[1], /libcuda\.so\.1 was not found.*looked in: /)
  }
  t.end()
})

void t.test("'auto' takes the GPU where there is one, else the CPU, says so, and trains", async (t) => {
  await using trainer = await MocoTrainer.create({ ...tinyMocoOptions, device: 'auto' })
  t.equal(trainer.info.device, problem === undefined ? 'cuda' : 'cpu')
  t.ok(trainer.info.deviceReason.length > 0)
  const { loss } = await trainer.step(images(), images(undefined, 1), { lr: 0.05 })
  t.ok(Number.isFinite(loss))
})

void t.test('on a GPU, views made there give the losses of views made here', async (t) => {
  if (problem !== undefined) {
    t.pass('there is none')
    return
  }
  const folder = writeCurated(t.testdir(), { rows: 12, size: 40 })
  const form = { imageSize: 32, channels: 1, batchSize: 4 } as const
  await using loader = await ViewLoader.open({ ...form, shards: [join(folder, 'slices-00000.npy')] })
  await using trainer = await MocoTrainer.create({ ...tinyMocoOptions, device: 'cuda' })
  const feed = await trainer.openFeed(loader)
  if (feed === undefined) {
    t.fail('a GPU has a feed')
    return
  }
  const [x1, x2] = [new Float32Array(4 * 32 ** 2), new Float32Array(4 * 32 ** 2)]
  await loader.feed(0, feed)
  for (let step = 0; step < 6; step += 1) {
    const fed = trainer.stepFed(step, { lr: 0, momentum: 1 })
    await Promise.all([fed, loader.feed(step + 1, feed)])
    await loader.fill(step, x1, x2)
    const { loss } = await trainer.step(x1, x2, { lr: 0, momentum: 1 })
    t.ok(Math.abs(loss - (await fed).loss) < 1e-2, `step ${step}: ${(await fed).loss}, here ${loss}`)
  }
  await trainer.dispose()
  await rejection(t, loader.feed(7, feed), 'ERR_GYRUS_DISPOSED')
})

void t.test('a device that was named needs no reason', async (t) => {
  await using trainer = await MocoTrainer.create(tinyMocoOptions)
  t.equal(trainer.info.device, 'cpu')
  t.equal(trainer.info.deviceReason, '')
})

void t.test('doctor says what it would take, or why nothing', (t) => {
  const { status, stdout } = gyrus('doctor')
  t.equal(status, 0)
  t.match(stdout, report.isCudaCompiled ? /^CUDA +.*(NVIDIA|cannot be used)/m : /^CUDA +not in this build/m)
  t.match(stdout, /libcudnn\.so\.9: /)
  t.end()
})
