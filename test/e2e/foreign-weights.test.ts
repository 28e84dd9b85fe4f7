// Weights from elsewhere: the same network under other libraries' names gives the same features, hostile and foreign
// files are refused, and what is exported is read back.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, type EncoderOptions } from '../../lib/index.js'
import { gyrus } from '../support/cli.js'
import { readNpy, readSafetensors, writeNpy, writeSafetensors } from '../support/files.js'
import { images, imageSize } from '../support/model.js'
import { rejection } from '../support/rejection.js'
import { pickledCall, writeTorchFile, type TorchDict, type TorchTensor } from '../support/torch-file.js'

type Tensors = Record<string, TorchTensor>

const folder = t.testdir()
const model = { imageSize, channels: 3, device: 'cpu', precision: 'f32', threads: 1 } as const
const x = images(2 * 3)

/** A random network's tensors under torchvision's (ResNet) or timm's names, and its features of x. */
async function reference(
  arch: EncoderOptions['arch'],
): Promise<{ tensors: Tensors; features: Float32Array }> {
  await using encoder = await Encoder.load({ ...model, arch, seed: 3 })
  const path = join(folder, `${arch}.safetensors`)
  await encoder.save(path)
  const named = Object.entries(readSafetensors(readFileSync(path)))
  const tensors = named.filter(([name]) => !name.endsWith('num_batches_tracked'))
  return { tensors: Object.fromEntries(tensors), features: await encoder.embed(x) }
}

const resnet = await reference('resnet18')
const vit = await reference('vit_tiny_patch16_224')

/** The same tensors serve both ResNet-50s; the features are v1's. */
async function v1Reference(): ReturnType<typeof reference> {
  const { tensors } = await reference('resnet50')
  writeSafetensors(join(folder, 'resnet50.safetensors'), tensors) // without the metadata, which name the other one
  await using encoder = await Encoder.load({
    ...model,
    arch: 'resnet50_v1',
    weights: join(folder, 'resnet50.safetensors'),
  })
  return { tensors, features: await encoder.embed(x) }
}

function rename(tensors: Tensors, to: (name: string) => string): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [to(name), tensor]))
}

/** A network that differs, to see which of two is taken. */
function doubled(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: data.map((v) => 2 * v) }]),
  )
}

const head: Tensors = { 'fc.weight': { shape: [1], data: new Float32Array(1) } }
const solo = (backbone: string): TorchDict => ({
  epoch: 4,
  state_dict: {
    ...rename(doubled(resnet.tensors), (name) => `momentum_${backbone}.${name}`),
    ...rename(resnet.tensors, (name) => `${backbone}.${name}`),
    ...rename(head, () => 'classifier.weight'),
  },
  hyper_parameters: pickledCall('argparse', 'Namespace', 'x'),
  optimizer_states: { state: { 0: rename(head, () => 'exp_avg') } },
})
const children = ['conv1', 'bn1', '', '', 'layer1', 'layer2', 'layer3', 'layer4']
const forms: Record<string, [string, TorchDict]> = {
  'torchvision.pth': ['resnet18', { ...resnet.tensors, ...head }],
  'data-parallel.pth': ['resnet18', rename(resnet.tensors, (name) => `module.${name}`)],
  'timm.pth': ['vit_tiny_patch16_224', { state_dict: vit.tensors, state_dict_ema: doubled(vit.tensors) }],
  'moco-v3.pth.tar': [
    'resnet18',
    {
      epoch: 1,
      state_dict: {
        ...rename(doubled(resnet.tensors), (name) => `module.momentum_encoder.${name}`),
        ...rename({ ...resnet.tensors, ...head }, (name) => `module.base_encoder.${name}`),
      },
    },
  ],
  'solo-learn.ckpt': ['resnet18', solo('backbone')],
  'solo-learn-old.ckpt': ['resnet18', solo('encoder')],
  'sequential.pth': [
    'resnet18',
    rename(
      resnet.tensors,
      (name) => `backbone.${name.replace(/^\w+/, (child) => `${children.indexOf(child)}`)}`,
    ),
  ],
}

for (const [file, [arch, dict]] of Object.entries(forms)) {
  void t.test(`${file} gives the features of its network`, async (t) => {
    const path = join(folder, file)
    writeTorchFile(path, dict)
    await using encoder = await Encoder.load({
      ...model,
      arch: arch as EncoderOptions['arch'],
      weights: path,
    })
    t.not(encoder.loadReport.form, '', encoder.loadReport.form)
    t.same(await encoder.embed(x), arch === 'resnet18' ? resnet.features : vit.features)
  })
}

void t.test('exported names come back as the same network', async (t) => {
  const cases = [
    ['resnet18', 'torchvision', /^layer1\.0\.bn1\.num_batches_tracked$/],
    [
      'vit_tiny_patch16_224',
      'torchvision',
      /^encoder\.layers\.encoder_layer_0\.self_attention\.in_proj_weight$/,
    ],
    ['vit_tiny_patch16_224', 'timm', /^blocks\.0\.attn\.qkv\.weight$/],
    ['resnet18', 'mocov3', /^module\.base_encoder\.conv1\.weight$/],
  ] as const
  for (const [arch, form, pattern] of cases) {
    const output = join(folder, `${arch}.${form}.safetensors`)
    const weights = join(folder, `${arch}.safetensors`)
    const size = ['--image-size', String(imageSize)]
    const call = ['export', '--weights', weights, '--arch', arch, '--output', output, '--form', form, ...size]
    const { status, stderr } = gyrus(...call)
    t.equal(status, 0, stderr)
    t.ok(
      Object.keys(readSafetensors(readFileSync(output))).some((name) => pattern.test(name)),
      form,
    )
    await using encoder = await Encoder.load({ ...model, arch, weights: output })
    t.same(await encoder.embed(x), arch === 'resnet18' ? resnet.features : vit.features, `${arch} ${form}`)
  }
})

void t.test('embed takes a .pth file', (t) => {
  const [input, output] = [join(folder, 'x.npy'), join(folder, 'y.npy')]
  writeNpy(input, [2, 3, imageSize, imageSize], x)
  const files = ['--weights', join(folder, 'torchvision.pth'), '--input', input, '--output', output]
  const { status, stderr } = gyrus('embed', ...files, '--arch', 'resnet18', '--precision', 'f32')
  t.equal(status, 0, stderr)
  t.same(readNpy(readFileSync(output)).shape, [2, 512])
  t.end()
})

void t.test("RadImageNet's first form: biases are folded, strides are the first convolutions'", async (t) => {
  const { tensors, features } = await v1Reference()
  const biased: Tensors = {}
  for (const [name, tensor] of Object.entries(tensors)) {
    biased[name] = tensor
    const norm = /^(.*)(bn(\d)|downsample\.1)\.running_mean$/.exec(name)
    if (norm === null) continue
    const bias = tensor.data.map((_, at) => Math.sin(at) / 4)
    const convolution = norm[3] === undefined ? 'downsample.0' : `conv${norm[3]}`
    biased[`${norm[1] ?? ''}${convolution}.bias`] = { shape: tensor.shape, data: bias }
    biased[name] = { shape: tensor.shape, data: tensor.data.map((mean, at) => mean + (bias[at] ?? NaN)) }
  }
  const weights = join(folder, 'radimagenet.pth')
  writeTorchFile(weights, biased)
  await using encoder = await Encoder.load({ ...model, arch: 'resnet50_v1', weights })
  t.match(encoder.loadReport.form, /biases/)
  const found = await encoder.embed(x)
  const scale = Math.max(...features.map(Math.abs))
  const error = Math.max(...features.map((value, at) => Math.abs(value - (found[at] ?? NaN))))
  t.ok(scale > 0 && error <= 1e-5 * scale, `${error} of ${scale}`)
  const refused = await rejection(
    t,
    Encoder.load({ ...model, arch: 'resnet50', weights }),
    'ERR_GYRUS_WEIGHTS_MISMATCH',
  )
  t.match(refused, { message: /resnet50_v1/ })
})

void t.test('a network that other libraries would read as another is exported as onnx only', async (t) => {
  await using encoder = await Encoder.load({ ...model, arch: 'resnet50_v1', seed: 3 })
  const refused = await rejection(
    t,
    encoder.save(join(folder, 'v1.safetensors'), { form: 'torchvision' }),
    'ERR_GYRUS_INVALID_ARGUMENT',
  )
  t.match(refused, { message: /strides/ })
})

void t.test('a hostile pickle runs nothing', async (t) => {
  const marker = join(folder, 'owned')
  const path = join(folder, 'evil.pth')
  const evil = pickledCall('os', 'system', `touch ${marker}`)
  const source = pickledCall('builtins', 'eval', `__import__('os').system('touch ${marker}')`)
  writeTorchFile(path, { ...resnet.tensors, evil, source })
  await using encoder = await Encoder.load({ ...model, arch: 'resnet18', weights: path })
  t.same(await encoder.embed(x), resnet.features, 'the tensors beside it are read')
  writeTorchFile(path, { evil, source })
  await rejection(t, Encoder.load({ ...model, arch: 'resnet18', weights: path }), 'ERR_GYRUS_FILE_FORMAT')
  t.notOk(existsSync(marker), 'the command was not run')
})

void t.test('what fits too little is refused with a list', async (t) => {
  const path = join(folder, 'partial.pth')
  const most = Object.entries(resnet.tensors).filter(([name]) => !name.startsWith('layer4.1.'))
  writeTorchFile(path, { state_dict: rename(Object.fromEntries(most), (name) => `module.${name}`), epoch: 1 })
  const refused = await rejection(
    t,
    Encoder.load({ ...model, arch: 'resnet18', weights: path }),
    'ERR_GYRUS_WEIGHTS_MISMATCH',
  )
  t.match(refused, { message: /10 missing: "layer4\.1\./ })
  t.match(refused, { message: /read as .* under "state_dict\.module\."/ })
})
