// `gyrus embed` and fine-tuning take from a run, or from its backbone wherever it lies, what its network saw.
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, pretrain, ViewLoader } from '../../lib/index.js'
import { finetuneSettings } from '../../lib/options/classify.js'
import { parseOptions } from '../../lib/options/parse.js'
import { startOfFinetune } from '../../lib/tasks/classify/start.js'
import { factsOfFile } from '../../lib/weights/file-facts.js'
import { gyrus } from '../support/cli.js'
import { readNpy, writeSafetensors } from '../support/files.js'
import { config, consume, folders } from '../support/pretrain.js'

const network = { arch: 'vit_tiny_patch16_224', heads: 6, imageSize: 32, mean: 0.3, std: 0.5 } as const

void t.test('the network of a run', async (t) => {
  const { data, out } = folders(t)
  const settings = { ...config, ...network, preset: 'cpu-vit-tiny', steps: 2, precision: 'f32' } as const
  await consume(pretrain({ ...settings, data, out }))
  const elsewhere = join(out, '..', 'weights.safetensors')
  copyFileSync(join(out, 'backbone.safetensors'), elsewhere)
  t.same(await factsOfFile(elsewhere), { ...network, trainedChannels: 1 })

  const output = join(out, 'y.npy')
  const embed = (weights: string, ...more: string[]): Float32Array => {
    const files = ['--weights', weights, '--input', data, '--output', output]
    const { status, stderr } = gyrus('embed', ...files, '--precision', 'f32', '--threads', '1', ...more)
    t.equal(status, 0, stderr)
    return readNpy(readFileSync(output)).data
  }
  const { arch, heads, imageSize, mean, std } = network
  const shards = ['0', '1', '2'].map((shard) => join(data, `slices-0000${shard}.npy`))
  await using views = await ViewLoader.open({ shards, imageSize, mean, std })
  await using encoder = await Encoder.load({
    ...{ weights: elsewhere, arch, heads, imageSize, channels: 1, precision: 'f32', threads: 1 },
  })
  const x = new Float32Array(24 * imageSize ** 2)
  await views.plain(
    Uint32Array.from({ length: 24 }, (_, row) => row),
    x,
  )
  const wanted = await encoder.embed(x)
  const scale = Math.max(...wanted.map(Math.abs))
  const isWanted = (found: Float32Array): boolean =>
    found.length === wanted.length &&
    found.every((value, at) => Math.abs(value - (wanted[at] ?? NaN)) <= 1e-5 * scale)
  t.ok(isWanted(embed(out)), 'from the folder')
  t.ok(isWanted(embed(elsewhere)), 'from the file alone')
  t.notOk(isWanted(embed(elsewhere, '--mean', '0.1')), 'flags go before')

  const finetune = { data, weights: elsewhere, out: 'tuned' }
  const parse = (more: object) => parseOptions(finetuneSettings, 'finetune', { ...finetune, ...more })
  t.match(await startOfFinetune(parse({}), finetune), { arch, heads, imageSize })
  const asked = { ...finetune, imageSize: 64 }
  t.match(await startOfFinetune(parse({ imageSize: 64 }), asked), { arch, heads, imageSize: 64 })
})

void t.test('weights that say nothing', async (t) => {
  const folder = t.testdir({ 'text.pth': 'PK' })
  const weights = join(folder, 'plain.safetensors')
  writeSafetensors(weights, { x: { shape: [1], data: new Float32Array(1) } })
  t.same(await factsOfFile(weights), {})
  t.same(await factsOfFile(join(folder, 'text.pth')), {})
  t.same(await factsOfFile(join(folder, 'none')), {})
  const { status, stderr } = gyrus('embed', '--weights', weights, '--input', folder, '--output', 'y.npy')
  t.equal(status, 2)
  t.match(stderr, /arch must be given: .*plain\.safetensors does not say/)
})
