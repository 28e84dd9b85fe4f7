// An exported ONNX model computes what the engine computes, in another runtime: onnxruntime, built for WebAssembly.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor, env } from 'onnxruntime-web'
import t from 'tap'
import { Encoder, SupervisedTrainer } from '../../lib/index.js'
import { rejection } from '../support/rejection.js'

env.wasm.numThreads = 1
const folder = t.testdir()
const wave = (count: number) => Float32Array.from({ length: count }, (_, at) => Math.sin(at * 0.37))

const networks = [
  { arch: 'resnet18', imageSize: [64, 48], channels: 1 },
  { arch: 'resnet50', imageSize: 32, channels: 3 },
  { arch: 'resnet50_v1', imageSize: 32, channels: 3 },
  { arch: 'vit_tiny_patch16_224', imageSize: [32, 48], channels: 3 },
  { arch: 'vit_tiny_patch16_224', imageSize: 32, channels: 1, heads: 12 },
] as const

for (const network of networks) {
  const heads = 'heads' in network ? `, ${network.heads} heads` : ''
  void t.test(`${network.arch}, ${network.channels} channels${heads}`, async (t) => {
    await using encoder = await Encoder.load({ ...network, seed: 5, device: 'cpu', precision: 'f32' })
    const path = join(folder, `${network.arch}.onnx`)
    await encoder.save(path, { form: 'onnx' })
    const session = await InferenceSession.create(new Uint8Array(readFileSync(path)))
    t.same([...session.inputNames, ...session.outputNames], ['images', 'features'])
    const [height, width] =
      typeof network.imageSize === 'number' ? [network.imageSize, network.imageSize] : network.imageSize
    for (const count of [1, 3]) {
      const x = wave(count * network.channels * height * width)
      const wanted = await encoder.embed(x)
      const shape = [count, network.channels, height, width]
      const { features } = await session.run({ images: new Tensor('float32', x, shape) })
      t.same(features?.dims, [count, encoder.dim])
      const found = features?.data as Float32Array
      const scale = Math.max(...wanted.map(Math.abs))
      const error = Math.max(...wanted.map((value, at) => Math.abs(value - (found[at] ?? NaN))))
      t.ok(scale > 0 && error <= 1e-4 * Math.min(1, scale), `${count} images: ${error} of ${scale}`)
    }
    await session.release()
  })
}

/** Each image's only channel three times. */
function thrice(x: Float32Array, count: number): Float32Array {
  const size = x.length / count
  return Float32Array.from({ length: 3 * x.length }, (_, at) => {
    const image = Math.floor(at / (3 * size))
    return x[image * size + (at % size)] ?? NaN
  })
}

const furthest = (one: Float32Array, other: Float32Array): number =>
  Math.max(...one.map((value, at) => Math.abs(value - (other[at] ?? NaN)))) / Math.max(...other.map(Math.abs))

/** Of the largest value: a third is rounded, and three products are summed where one was. */
const rounding = 3e-6

for (const arch of ['resnet18', 'vit_tiny_patch16_224'] as const) {
  void t.test(`${arch} of one channel, for readers of three`, async (t) => {
    const options = { arch, imageSize: 32, device: 'cpu', precision: 'f32', threads: 1 } as const
    await using trainer = await SupervisedTrainer.create({
      ...{ ...options, channels: 1, classes: 4, batchSize: 2, seed: 8 },
    })
    const grey = wave(2 * 32 ** 2)
    const logits = await trainer.predict(grey)
    const wide = { ...options, channels: 3 } as const
    for (const form of ['torchvision', 'timm'] as const) {
      const path = join(folder, `${arch}-${form}.safetensors`)
      await trainer.export(path, { form, channels: 3 })
      await using reader = await SupervisedTrainer.create({ ...wide, classes: 4, batchSize: 2 })
      t.equal((await reader.load(path)).unexpected.length, 0)
      const error = furthest(await reader.predict(thrice(grey, 2)), logits)
      t.ok(error <= rounding, `${form} with its classifier: ${error}`)
      await using own = await Encoder.load({ ...options, channels: 1, weights: path })
      const alone = join(folder, `${arch}-${form}-alone.safetensors`)
      await own.save(alone, { form, channels: 3 })
      await using encoder = await Encoder.load({ ...wide, weights: alone })
      const off = furthest(await encoder.embed(thrice(grey, 2)), await own.embed(grey))
      t.ok(off <= rounding, `${form} alone: ${off}`)
    }
    const found: Float32Array[] = []
    for (const channels of [1, 3] as const) {
      const path = join(folder, `${arch}-${channels}.onnx`)
      await trainer.export(path, { form: 'onnx', channels })
      const session = await InferenceSession.create(new Uint8Array(readFileSync(path)))
      t.same([...session.inputNames, ...session.outputNames], ['images', 'logits'])
      const x = channels === 1 ? grey : thrice(grey, 2)
      const result = await session.run({ images: new Tensor('float32', x, [2, channels, 32, 32]) })
      t.same(result['logits']?.dims, [2, 4])
      found.push(result['logits']?.data as Float32Array)
      await session.release()
    }
    const [one = new Float32Array(), three = new Float32Array()] = found
    t.ok(furthest(three, one) <= rounding, `ONNX of three against one: ${furthest(three, one)}`)
    t.ok(furthest(three, logits) <= 1e-4, `against the engine: ${furthest(three, logits)}`)
    await using full = await SupervisedTrainer.create({ ...wide, classes: 4, batchSize: 2 })
    await rejection(
      t,
      full.export(join(folder, 'no.onnx'), { form: 'onnx', channels: 1 }),
      'ERR_GYRUS_INVALID_ARGUMENT',
    )
    await rejection(t, full.export(join(folder, 'no.pth'), { form: 'mocov3' }), 'ERR_GYRUS_INVALID_ARGUMENT')
  })
}
