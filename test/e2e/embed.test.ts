// `gyrus embed` from file to file: values, shapes, exit codes, output for people and for programs.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Encoder, SupervisedTrainer } from '../../lib/index.js'
import { gyrus, gyrusInterrupted, jsonLines } from '../support/cli.js'
import { readNpy, writeNpy } from '../support/files.js'
import { encoderOptions, images, imageSize, supervisedOptions } from '../support/model.js'

const folder = t.testdir()
const weights = join(folder, 'weights.safetensors')
const input = join(folder, 'x.npy')
const count = 7
const x = images(count)
writeNpy(input, [count, 1, imageSize, imageSize], x)

/** The parameters of a good call that writes `name` in a folder of its own. */
function call(name: string, ...more: string[]): [output: string, parameters: string[]] {
  mkdirSync(join(folder, name))
  const output = join(folder, name, 'y.npy')
  const files = ['--weights', weights, '--arch', 'resnet18', '--input', input, '--output', output]
  return [output, ['embed', ...files, '--precision', 'f32', '--threads', '1', ...more]]
}

t.before(async () => {
  await using trainer = await SupervisedTrainer.create(supervisedOptions)
  await trainer.save(weights)
})

void t.test('the file holds what the API returns, whatever the batch size', async (t) => {
  await using encoder = await Encoder.load({ ...encoderOptions, seed: undefined, weights })
  const wanted = await encoder.embed(x)
  for (const batch of ['7', '3', '1', '64']) {
    const [output, parameters] = call(`batch-${batch}`, '--batch-size', batch)
    const { status, stderr, stdout } = gyrus(...parameters)
    t.equal(status, 0, stderr)
    t.match(stdout, `${output}: 7 x 512 features in `)
    t.match(stdout, /100 tensors read as torchvision's or timm's names; left aside: 2 \(a head/)
    const { shape, data } = readNpy(readFileSync(output))
    t.same(shape, [count, 512])
    const error = Math.max(...data.map((value, at) => Math.abs(value - (wanted[at] ?? NaN))))
    const scale = Math.max(...wanted.map(Math.abs))
    t.ok(scale > 0 && error <= 1e-5 * scale, `largest difference ${error} of ${scale}`)
    t.same(readdirSync(join(output, '..')), ['y.npy'], 'and nothing beside it')
  }
})

void t.test('--json prints one object a line', (t) => {
  const [output, parameters] = call('json', '--json')
  const { status, stdout, stderr } = gyrus(...parameters)
  t.equal(status, 0, stderr)
  t.equal(stderr, '')
  t.match(jsonLines(stdout).at(-1), {
    event: 'done',
    output,
    count,
    dim: 512,
    device: 'cpu',
    precision: 'f32',
    seconds: Number,
    weights: { path: weights, form: /torchvision/, matched: 100, adapted: [], folded: [], ignored: Array },
  })
  const done = jsonLines(stdout).at(-1) as { weights: { ignored: { name: string; reason: string }[] } }
  t.same(
    done.weights.ignored.map(({ name }) => name),
    ['fc.weight', 'fc.bias'],
    'the classifier is left aside, and told of',
  )
  t.match(done.weights.ignored[0]?.reason, /a head/)
  t.end()
})

void t.test('no image at all', (t) => {
  const empty = join(folder, 'empty.npy')
  writeNpy(empty, [0, 1, imageSize, imageSize], new Float32Array(0))
  const [output, parameters] = call('empty')
  const { status, stderr } = gyrus(...parameters, '--input', empty)
  t.equal(status, 0, stderr)
  t.same(readNpy(readFileSync(output)).shape, [0, 512])
  t.end()
})

const failures: [what: string, parameters: string[], status: number, message: RegExp][] = [
  [
    'a missing file of weights',
    ['--weights', '/nowhere/w'],
    1,
    /\/nowhere\/w.*\[ERR_GYRUS_FILE_NOT_FOUND\]/s,
  ],
  ['a missing input', ['--input', '/nowhere/x'], 1, /\/nowhere\/x.*\[ERR_GYRUS_FILE_NOT_FOUND\]/s],
  ['an input of another size', ['--image-size', '64'], 1, /takes \[N, 1, 64, 64\].*\[ERR_GYRUS_SHAPE\]/s],
  ['a folder that is missing', ['--output', '/nowhere/y.npy'], 1, /\/nowhere.*\[ERR_GYRUS_FILE_NOT_FOUND\]/s],
  ['an unknown architecture', ['--arch', 'resnet81'], 1, /did you mean.*\[ERR_GYRUS_NAME\]/s],
  ['no CUDA', ['--device', 'cuda'], 1, /\[ERR_GYRUS_CUDA_UNAVAILABLE\]/],
  ['a wrong count', ['--batch-size', '0'], 2, /'0' is invalid.*positive whole number/],
  ['a wrong size', ['--image-size', '1x2x3'], 2, /224x192/],
  ['a wrong choice', ['--precision', 'fp16'], 2, /Allowed choices are auto, f32, bf16/],
  ['an unknown option', ['--treads', '1'], 2, /Did you mean --threads/],
  ['an argument too many', ['surplus'], 2, /too many arguments/],
]
for (const [index, [what, more, wanted, message]] of failures.entries()) {
  void t.test(`fails: ${what}`, (t) => {
    const [output, parameters] = call(`failure-${index}`, ...more)
    const { status, stderr, stdout } = gyrus(...parameters)
    t.equal(status, wanted, stderr)
    t.match(stderr, message)
    t.equal(stdout, '')
    t.notOk(existsSync(output))
    t.end()
  })
}

void t.test('failures as JSON', (t) => {
  const [, parameters] = call('failure-json', '--weights', '/nowhere/w', '--json')
  const { status, stdout } = gyrus(...parameters)
  t.equal(status, 1)
  t.match(jsonLines(stdout), [{ event: 'error', code: 'ERR_GYRUS_FILE_NOT_FOUND', message: /nowhere/ }])
  t.end()
})

void t.test('wrong usage of the program itself', (t) => {
  t.equal(gyrus().status, 2)
  t.equal(gyrus('embd').status, 2)
  t.match(gyrus('embd').stderr, 'Did you mean embed')
  t.equal(gyrus('embed').status, 2)
  t.equal(gyrus('--help').status, 0)
  t.equal(gyrus('help', 'embed').status, 0)
  t.match(gyrus('--version').stdout, /^\d+\.\d+\.\d+\n$/)
  t.end()
})

void t.test('interrupted: exit code 130 and no file', async (t) => {
  const size = 224
  const big = join(folder, 'big.npy')
  writeNpy(big, [256, 1, size, size], images(256, 0, size))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const [output, parameters] = call(`interrupted-${signal}`, '--input', big, '--json')
    const result = await gyrusInterrupted(signal, ...parameters)
    t.same({ status: result.status, signal: result.signal }, { status: 130, signal: null }, result.stderr)
    t.match(result.stderr, 'ERR_GYRUS_ABORTED')
    t.same(readdirSync(join(output, '..')), [])
  }
})
