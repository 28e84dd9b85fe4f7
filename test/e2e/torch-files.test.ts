// Files that PyTorch itself wrote (test/goldens/torch_files.py): a state dict in both forms, and a checkpoint in the
// shape of the paper's authors', which is evaluated as it is.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Encoder, evaluate, SupervisedTrainer } from '../../lib/index.js'
import { gyrus } from '../support/cli.js'
import { readSafetensors } from '../support/files.js'
import { writeClassFolder } from '../support/labelled.js'
import { rejection } from '../support/rejection.js'

const goldens = fileURLToPath(new URL('../../../test/goldens/torch/', import.meta.url)) // from dist/test/e2e/
const folder = t.testdir()
const imageSize = 64
const network = { arch: 'resnet18', imageSize, device: 'cpu', precision: 'f32', threads: 1 } as const
const wave = Float32Array.from({ length: 2 * 3 * imageSize ** 2 }, (_, at) => Math.sin(at * 0.37))
const wanted = readSafetensors(readFileSync(join(goldens, 'logits.safetensors')))['logits']?.data ?? []
const scale = Math.max(...Array.from(wanted, Math.abs))

for (const file of ['resnet18.pth', 'resnet18_legacy.pth', 'lightning.ckpt']) {
  void t.test(`${file} computes what torch computes`, async (t) => {
    const options = { ...network, channels: 3, classes: 6, batchSize: 2 }
    await using trainer = await SupervisedTrainer.create(options)
    const report = await trainer.load(join(goldens, file))
    t.same([report.missing, report.unexpected, report.misshapen], [[], [], []], report.form)
    const logits = await trainer.predict(wave)
    t.equal(logits.length, wanted.length)
    const error = Math.max(...logits.map((value, at) => Math.abs(value - (wanted[at] ?? NaN))))
    t.ok(error < 1e-5 * scale, `${error} of ${scale}`)
    await using encoder = await Encoder.load({ ...network, channels: 3, weights: join(goldens, file) })
    t.equal((await encoder.embed(wave)).length, 2 * 512, 'its backbone alone')
  })
}

void t.test('the checkpoint is evaluated as it is, its first classes are those of the images', async (t) => {
  const data = await writeClassFolder(join(folder, 'images'), { counts: { train: 2, val: 3 }, size: 70 })
  const weights = join(goldens, 'lightning.ckpt')
  const out = join(folder, 'evaluated')
  const flags = [
    '--arch',
    'resnet18',
    '--image-size',
    String(imageSize),
    '--slice-size',
    '70',
    '--threads',
    '1',
  ]
  const { status, stdout, stderr } = gyrus(
    ...['evaluate', '--weights', weights, '--data', data, '--out', out],
    ...[...flags, '--channels', '3', '--precision', 'f32'],
    ...['--mean', '0.485,0.456,0.406', '--std', '0.229,0.224,0.225'], // as the authors' script has it
  )
  t.equal(status, 0, stderr)
  t.match(stdout, /^f1 +\d+\.\d\d % \(/m)
  const { figures, logits } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as {
    figures: { count: number; confusion: number[][] }
    logits: number[]
  }
  t.same(
    [figures.count, figures.confusion.length, logits.length],
    [9, 3, 27],
    'val is tested on, three columns',
  )
  const even = await evaluate({
    ...{ ...network, channels: 3, weights, data, out: join(folder, 'even'), sliceSize: 70 },
  })
  const off = even.logits.map((value, at) => Math.abs(value - (logits[at] ?? NaN)))
  t.ok(Math.max(...off) > 1e-3 * scale, 'channels were normalised each by its own')
  const grey = await evaluate({ ...network, weights, data, out: join(folder, 'grey'), sliceSize: 70 })
  t.equal(grey.figures.count, 9, 'a network of one channel takes its stem summed')
  const error = await rejection(
    t,
    evaluate({ ...network, arch: 'resnet50', weights, data, out: join(folder, 'other') }),
    'ERR_GYRUS_WEIGHTS_MISMATCH',
  )
  t.match(error.message, /lightning\.ckpt/)
  const text = join(folder, 'notes.ckpt')
  writeFileSync(text, 'this is no checkpoint')
  await rejection(
    t,
    evaluate({ ...network, weights: text, data, out: join(folder, 'text') }),
    'ERR_GYRUS_FILE_FORMAT',
  )
})
