// Files of the wrong element type, and places that cannot be written to: the code, what is named, and the remedy.
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, memory, MocoTrainer, npyInfo, SupervisedTrainer } from '../../lib/index.js'
import { gyrusWithFileLimit } from '../support/cli.js'
import { writeNpy } from '../support/files.js'
import { encoderOptions, images, imageSize, mocoOptions, supervisedOptions } from '../support/model.js'
import { rejection } from '../support/rejection.js'

/** The same file with another element type of as many bytes for one tensor. */
function retyped(bytes: Buffer, tensor: string, type: string): Buffer {
  const text = bytes.toString('latin1')
  const at = text.indexOf('"F32"', text.indexOf(`"${tensor}"`))
  if (type.length !== 3 || at < 0) throw new Error(`${tensor} of type ${type} cannot be put into the file`)
  return Buffer.from(`${text.slice(0, at)}"${type}"${text.slice(at + 5)}`, 'latin1')
}

/** The same array with another element type of as many bytes. */
function retypedNpy(bytes: Buffer, descr: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace('<f4', descr), 'latin1')
}

void t.test('weights that are integers', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'integers.safetensors')
  await using trainer = await SupervisedTrainer.create(supervisedOptions)
  await trainer.save(path)
  const good = readFileSync(path)
  for (const [tensor, type] of [
    ['layer1.0.conv2.weight', 'I32'],
    ['bn1.bias', 'U32'],
  ] as const) {
    writeFileSync(path, retyped(good, tensor, type))
    const loadEncoder = () => Encoder.load({ ...encoderOptions, seed: undefined, weights: path })
    for (const call of [() => trainer.load(path), loadEncoder]) {
      const { message } = await rejection(t, call(), 'ERR_GYRUS_DTYPE')
      t.match(message, path)
      t.match(message, `the tensor '${tensor}' has the element type ${type}`)
      t.match(message, /F32, F16, BF16 or F64 was expected; save it in floating point/)
    }
  }
  writeFileSync(path, good)
  t.same((await trainer.load(path)).missing, [], 'and it still works')
})

void t.test('arrays of the wrong element type', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.npy')
  const output = join(folder, 'y.npy')
  writeNpy(path, [2, 1, imageSize, imageSize], images(2))
  const good = readFileSync(path)
  await using encoder = await Encoder.load(encoderOptions)

  for (const descr of ['<i4', '>f4']) {
    writeFileSync(path, retypedNpy(good, descr))
    for (const call of [() => encoder.embedFile(path, output), () => npyInfo(path)]) {
      const { message } = await rejection(t, call(), 'ERR_GYRUS_DTYPE')
      t.match(message, `${path}: has the element type "${descr}"`)
      t.match(message, "save numpy.ascontiguousarray(array, dtype='<f4')")
    }
  }

  // Integers of the types that .npy files of slices have: they can be read, but are no normalised images.
  writeNpy(path, [4, 1, imageSize, imageSize], images(2))
  writeFileSync(path, retypedNpy(readFileSync(path), '<u2').subarray(0, good.length))
  t.equal((await npyInfo(path)).dtype, '<u2')
  const { message } = await rejection(t, encoder.embedFile(path, output), 'ERR_GYRUS_DTYPE')
  t.match(message, `${path} has the element type <u2; normalised images in <f4, <f8 or <f2 are expected`)
  t.match(message, /subtract the mean, divide by the deviation/)
  t.same(readdirSync(folder), ['x.npy'])
})

void t.test('names that something else has', async (t) => {
  const folder = t.testdir()
  const pipe = join(folder, 'pipe')
  mkdirSync(join(folder, 'runs'))
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)
  const input = join(folder, 'x.npy')
  writeNpy(input, [1, 1, imageSize, imageSize], images(1))
  await using trainer = await MocoTrainer.create(mocoOptions)
  await using encoder = await Encoder.load(encoderOptions)
  const targets: [path: string, what: string][] = [
    [join(folder, 'runs'), 'a folder'],
    [pipe, 'a device, pipe or socket'],
  ]
  for (const [path, what] of targets) {
    for (const call of [() => trainer.save(path), () => encoder.embedFile(input, path)]) {
      const { message } = await rejection(t, call(), 'ERR_GYRUS_FILE_IO')
      t.match(message, `cannot create ${path}: there is ${what} of that name`)
      t.match(message, /give the path of a file/)
    }
  }
  t.ok(lstatSync(pipe).isFIFO(), 'the pipe was not replaced')
  t.same(readdirSync(folder).sort(), ['pipe', 'runs', 'x.npy'])
})

void t.test('a file that may grow no further', async (t) => {
  const folder = t.testdir()
  const weights = join(folder, 'w.safetensors')
  const input = join(folder, 'x.npy')
  const output = join(folder, 'y.npy')
  const count = 16 // images: 32 KiB of features
  writeNpy(input, [count, 1, imageSize, imageSize], images(count))
  {
    await using trainer = await SupervisedTrainer.create(supervisedOptions)
    await trainer.save(weights)
  }
  writeFileSync(output, 'of an earlier run')
  const files = ['--weights', weights, '--arch', 'resnet18', '--input', input, '--output', output]
  const { status, stderr } = gyrusWithFileLimit(16, 'embed', ...files, '--threads', '1')
  t.equal(status, 1, stderr)
  t.match(stderr, `cannot write ${output}: `)
  t.match(stderr, 'raise the limit on file sizes (ulimit -f)')
  t.match(stderr, '[ERR_GYRUS_FILE_IO]')
  t.equal(readFileSync(output, 'utf8'), 'of an earlier run', 'the old file is whole')
  t.same(readdirSync(folder).sort(), ['w.safetensors', 'x.npy', 'y.npy'])
})

void t.test('nothing is left', (t) => {
  t.equal(memory().hostBytes, 0)
  t.end()
})
