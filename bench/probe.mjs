// The bench of the linear probe: features of 10,000 images in memory, a classifier of them, against PyTorch doing the
// same in its two usual ways: L-BFGS to the same optimum, and a hundred epochs of SGD. Contenders alternate.
//   npm run bench -- --suite probe [--rounds 5] [--images 10000] [--classes 4] [--threads N]
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median, runContender } from './harness.mjs'
import { normals } from './inputs.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { findPython } from './peers.mjs'
import { writeReport } from './report.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    images: { type: 'string', default: '10000' },
    classes: { type: 'string', default: '4' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const { rounds, images, classes, threads } = options
const tests = 2000
/** Widths of ResNet-18's and ViT-S's features, about, and of ResNet-50's. */
const widths = [512, 2048]
const floor = 10
const python = findPython(['torch'])
const env = { OMP_NUM_THREADS: threads }
const scratch = mkdtempSync(join(tmpdir(), 'gyrus-bench-'))
const say = (line) => process.stderr.write(`${line}\n`)

/** Features as a network leaves them: a few strong directions, many weak ones, some noise, and no value below zero. */
function writeFeatures(width) {
  const directions = 64
  const count = Number(images) + tests
  const own = normals(count * directions, 1)
  const mix = normals(directions * width, 2)
  const noise = normals(count * width, 3)
  const labels = Int32Array.from({ length: count }, (_, row) => row % Number(classes))
  const features = new Float32Array(count * width)
  for (let row = 0; row < count; row += 1) {
    const sum = new Float64Array(width)
    for (let k = 0; k < directions; k += 1) {
      const meaning = k === labels[row] ? 1.2 : 0
      const factor = (own[row * directions + k] * 4) / (k + 1) ** 0.7 + meaning
      for (let at = 0; at < width; at += 1) sum[at] += (factor * mix[k * width + at]) / 8
    }
    for (let at = 0; at < width; at += 1) {
      features[row * width + at] = Math.max(0, sum[at] + 0.3 * noise[row * width + at])
    }
  }
  const files = { features: join(scratch, 'features.f32'), labels: join(scratch, 'labels.i32') }
  writeFileSync(files.features, new Uint8Array(features.buffer))
  writeFileSync(files.labels, new Uint8Array(labels.buffer))
  return files
}

async function compareAt(width) {
  const parameters = Object.entries({ ...writeFeatures(width), images, classes, width }).flatMap(
    ([name, value]) => [`--${name}`, String(value)],
  )
  const program = (name) => join(here, 'contenders', name)
  const contenders = {
    gyrus: [process.execPath, program('probe.gyrus.mjs'), ...parameters],
    lbfgs: [python, program('probe.torch.py'), ...parameters, '--by', 'lbfgs', '--threads', threads],
    sgd: [python, program('probe.torch.py'), ...parameters, '--by', 'sgd', '--threads', threads],
  }
  const runs = []
  for (let round = 0; round < Number(rounds); round += 1) {
    const result = {}
    for (const [name, command] of Object.entries(contenders)) {
      result[name] = await runContender({ name, command, env, hasSteps: false })
    }
    runs.push(result)
    say(
      `  ${round + 1}: ` +
        Object.entries(result).map(([name, { seconds }]) => `${name} ${seconds.toFixed(3)} s`),
    )
  }
  const of = (name, key) => median(runs.map((one) => one[name][key]))
  const speedup = (name) => median(runs.map((one) => one[name].seconds / one.gyrus.seconds))
  const [ours, theirs] = [of('gyrus', 'loss'), of('lbfgs', 'loss')]
  if (!(Math.abs(ours - theirs) < 1e-4 * theirs)) throw new Error(`optima of ${ours} and ${theirs}`)
  const names = Object.keys(contenders)
  return {
    seconds: Object.fromEntries(names.map((name) => [name, of(name, 'seconds')])),
    loss: Object.fromEntries(names.map((name) => [name, of(name, 'loss')])),
    accuracy: Object.fromEntries(names.map((name) => [name, of(name, 'accuracy')])),
    speedups: { lbfgs: speedup('lbfgs'), sgd: speedup('sgd') },
    versions: runs[0].lbfgs.versions,
  }
}

try {
  for (const width of widths) {
    const result = await compareAt(width)
    const record = {
      kind: 'probe',
      case: `${width} features`,
      date: new Date().toISOString(),
      machine: await describeMachine(Number(threads)),
      command: commandLine('npm run bench -- --suite probe', { rounds, images, classes, threads }),
      images: Number(images),
      floor,
      ...result,
    }
    mkdirSync(join(here, 'results'), { recursive: true })
    appendFileSync(join(here, 'results', 'probe.jsonl'), `${JSON.stringify(record)}\n`)
    const { lbfgs, sgd } = result.speedups
    console.log(`${width} features: ${lbfgs.toFixed(1)} x PyTorch's L-BFGS, ${sgd.toFixed(1)} x its SGD`)
  }
  writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
