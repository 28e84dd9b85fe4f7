// Options: defaults, what is refused, and how the refusal reads.
import t from 'tap'
import { native } from '../../lib/native.js'
import { evaluateSettings, finetuneSettings } from '../../lib/options/classify.js'
import { encoderOptions } from '../../lib/options/encoder.js'
import { architectures, toNativeDevice, toNativeEncoder } from '../../lib/options/model.js'
import { optimizer, toNativeOptimizer } from '../../lib/options/optimizer.js'
import { parseOptions } from '../../lib/options/parse.js'
import { pretrainSettings } from '../../lib/options/pretrain.js'
import { editDistance, suggest } from '../../lib/options/suggest.js'
import { mocoOptions, contrastiveStepOptions, supervisedOptions } from '../../lib/options/trainer.js'
import { viewLoaderOptions } from '../../lib/options/view-loader.js'

void t.test('defaults are filled in', (t) => {
  const moco = parseOptions(mocoOptions, 'create', { arch: 'resnet50', batchSize: 64 })
  t.match(moco, {
    imageSize: 224,
    channels: 3,
    device: 'auto',
    precision: 'auto',
    temperature: 0.2,
    projector: { hidden: 4096, out: 256 },
    optimizer: { name: 'adamw', weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    seed: 0,
  })
  t.equal(parseOptions(contrastiveStepOptions, 'step', { lr: 0.1 }).momentum, 0.99)
  t.same(toNativeDevice(moco), { device: 'auto', precision: 'auto', threads: 0 })
  t.match(toNativeEncoder(moco), { arch: 'resnet50', imageHeight: 224, imageWidth: 224, heads: 0 })
  t.match(toNativeEncoder({ ...moco, imageSize: [97, 129] }), { imageHeight: 97, imageWidth: 129 })
  t.end()
})

void t.test('each optimizer has its own defaults and fields', (t) => {
  const parse = (value: unknown) => toNativeOptimizer(parseOptions(optimizer, 'optimizer', value))
  t.match(parse({ name: 'lars' }), { name: 'lars', weightDecay: 1e-6, momentum: 0.9, trust: 0.001 })
  t.match(parse({ name: 'lars_solo' }), { weightDecay: 1e-6, trust: 0.02 })
  t.match(parse({ name: 'sgd', nesterov: true }), { weightDecay: 0, momentum: 0.9, nesterov: true })
  t.throws(() => parse({ name: 'sgd', trust: 1 }), /no option 'trust'; known are name, weightDecay/)
  t.end()
})

const moco = { arch: 'resnet50', batchSize: 64 }
const refusals: [string, unknown, RegExp, typeof TypeError | typeof RangeError][] = [
  ['not an object', 7, /^create: the options must be an object, not 7$/, TypeError],
  ['nothing', undefined, /^create: the options must be an object, not undefined$/, TypeError],
  ['missing', { arch: 'resnet50' }, /^create: batchSize must be a number, not undefined$/, TypeError],
  [
    'misspelt',
    { ...moco, temprature: 1 },
    /there is no option 'temprature'; did you mean 'temperature'\?$/,
    TypeError,
  ],
  [
    'other case',
    { ...moco, image_size: 8 },
    /there is no option 'image_size'; did you mean 'imageSize'\?$/,
    TypeError,
  ],
  ['unknown', { ...moco, zzz: 1 }, /there is no option 'zzz'; known are arch, imageSize, /, TypeError],
  [
    'nested unknown',
    { ...moco, projector: { hiden: 1 } },
    /'projector.hiden'; did you mean 'projector.hidden'\?$/,
    TypeError,
  ],
  [
    'unknown in a union',
    { ...moco, optimizer: { name: 'adamw', wheightDecay: 1 } },
    /did you mean 'optimizer.weightDecay'\?$/,
    TypeError,
  ],
  [
    'unknown optimizer',
    { ...moco, optimizer: { name: 'adam' } },
    /^create: optimizer.name must be one of 'adamw', 'lars', 'lars_solo', 'sgd', not 'adam'$/,
    TypeError,
  ],
  ['too small', { ...moco, temperature: 0 }, /^create: temperature must be above 0, not 0$/, RangeError],
  ['zero batch', { ...moco, batchSize: 0 }, /^create: batchSize must be at least 1, not 0$/, RangeError],
  [
    'too big',
    { ...moco, optimizer: { name: 'sgd', momentum: 1 } },
    /optimizer.momentum must be below 1, not 1$/,
    RangeError,
  ],
  ['fraction', { ...moco, batchSize: 1.5 }, /^create: batchSize must be a whole number, not 1.5$/, TypeError],
  ['NaN', { ...moco, temperature: NaN }, /^create: temperature must be a number, not NaN$/, TypeError],
  ['string', { ...moco, channels: '1' }, /^create: channels must be a number, not '1'$/, TypeError],
  [
    'choice',
    { ...moco, precision: 'fp16' },
    /^create: precision must be one of 'auto', 'f32', 'bf16', not 'fp16'$/,
    TypeError,
  ],
  [
    'image size',
    { ...moco, imageSize: [1, 2, 3] },
    /imageSize must be a positive whole number or \[height, width\], not an array of 3$/,
    TypeError,
  ],
  [
    'boolean',
    { ...moco, hasZeroInitResidual: 1 },
    /hasZeroInitResidual must be true or false, not 1$/,
    TypeError,
  ],
  ['arch', { batchSize: 2 }, /arch must be an architecture's name, not undefined$/, TypeError],
  ['seed', { ...moco, seed: -1 }, /seed must be at least 0, not -1$/, RangeError],
]

for (const [what, value, message, kind] of refusals) {
  void t.test(`refuses: ${what}`, (t) => {
    t.throws(() => parseOptions(mocoOptions, 'create', value), {
      message,
      code: 'ERR_GYRUS_INVALID_ARGUMENT',
    })
    try {
      parseOptions(mocoOptions, 'create', value)
    } catch (error) {
      t.type(error, kind)
    }
    t.end()
  })
}

void t.test('no more threads than a machine has, whatever they are for', (t) => {
  for (const schema of [
    mocoOptions,
    viewLoaderOptions,
    pretrainSettings,
    finetuneSettings,
    evaluateSettings,
  ]) {
    const issues = schema.safeParse({ threads: 1025, loaderThreads: 1025 }).error?.issues ?? []
    const tooMany = issues.filter(({ code }) => code === 'too_big').map(({ path }) => path[0])
    t.same(tooMany, 'loaderThreads' in schema.shape ? ['threads', 'loaderThreads'] : ['threads'])
  }
  t.end()
})

void t.test('an encoder takes either weights or a seed', (t) => {
  const parse = (value: object) => parseOptions(encoderOptions, 'load', { arch: 'resnet18', ...value })
  t.throws(() => parse({}), /weights must be given \(a file\), unless seed/)
  t.throws(() => parse({ weights: 'a', seed: 1 }), /unless seed asks for a random initialisation/)
  t.equal(parse({ seed: 0 }).seed, 0)
  t.equal(parse({ weights: 'a' }).weights, 'a')
  t.end()
})

interface Described {
  readonly description?: string | undefined
  readonly unwrap?: () => unknown
}

void t.test('every option is documented', (t) => {
  for (const schema of [mocoOptions, supervisedOptions]) {
    for (const [name, option] of Object.entries<Described>(schema.shape)) {
      let inner = option
      let description = inner.description
      while (description === undefined && typeof inner.unwrap === 'function') {
        inner = inner.unwrap() as Described
        description = inner.description
      }
      t.type(description, 'string', name)
    }
  }
  t.end()
})

void t.test('architectures are those of the engine', (t) => {
  t.same([...architectures], native().architectures())
  t.end()
})

void t.test('distances and suggestions', (t) => {
  t.equal(editDistance('', 'abc'), 3)
  t.equal(editDistance('lr', 'lr'), 0)
  t.equal(editDistance('kitten', 'sitting'), 3)
  t.equal(editDistance('form', 'from'), 1, 'a swap counts once')
  t.equal(suggest('momentom', ['lr', 'momentum']), 'momentum')
  t.equal(suggest('batch-size', ['batchSize']), 'batchSize')
  t.equal(suggest('completely', ['lr', 'momentum']), undefined)
  t.equal(suggest('x', []), undefined)
  t.end()
})
