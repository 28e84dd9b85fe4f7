// An exported ONNX model computes what the engine computes, in another runtime: onnxruntime, built for WebAssembly.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor, env } from 'onnxruntime-web'
import t from 'tap'
import { Encoder } from '../../lib/index.js'

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
