// The demo: pretrains a ResNet-18 with MoCo v3 on an invented cohort, embeds every slice with `gyrus embed`, and asks
// of each slice whether its nearest neighbour shows the same subject. No label is read before that question.
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { MocoTrainer } from '../index.js'
import { augment, normalise } from './augment.js'
import { drawCohort, type Cohort } from './cohort.js'
import { exportBackbone } from './export-backbone.js'
import { nearestNeighbourAccuracy } from './neighbours.js'
import { readNpy, writeNpy } from './npy.js'
import { showProgress } from './progress.js'
import { Random } from './random.js'

const subjects = 48
const slicesEach = 8
const size = 48 // px
const batchSize = 64
const calibrationSteps = 20
const warmupShare = 0.1
const peakLr = 2e-3
const firstMomentum = 0.95 // a short run wants a quicker encoder than MoCo v3's 0.99
const temperature = 0.2
const arch = 'resnet18'

/** Two views of a random batch. */
function drawViews(cohort: Cohort, random: Random): [Float32Array, Float32Array] {
  const pixels = size * size
  const views: [Float32Array, Float32Array] = [
    new Float32Array(batchSize * pixels),
    new Float32Array(batchSize * pixels),
  ]
  random.sample(batchSize, cohort.subjects.length).forEach((slice, row) => {
    const image = cohort.pixels.subarray(slice * pixels, (slice + 1) * pixels)
    for (const view of views) augment(image, size, random, view.subarray(row * pixels, (row + 1) * pixels))
  })
  return views
}

/** A linear rise, then half a cosine down to zero. */
function learningRate(step: number, steps: number): number {
  const warmup = Math.ceil(warmupShare * steps)
  if (step < warmup) return (peakLr * (step + 1)) / warmup
  return 0.5 * peakLr * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup)))
}

/** Trains, and leaves the backbone before and after in `folder`. */
async function pretrain(cohort: Cohort, folder: string, steps: number): Promise<void> {
  const random = new Random(2)
  const trainer = await MocoTrainer.create({
    arch,
    imageSize: size,
    channels: 1,
    batchSize,
    temperature,
    projector: { hidden: 512, out: 128 },
    optimizer: { name: 'adamw', weightDecay: 0.05 },
    seed: 3,
  })
  try {
    const { device, precision, threads } = trainer.info
    console.log(
      `training ${arch} on ${device} in ${precision} with ${threads} threads, ${batchSize} pairs a step`,
    )
    // Steps of rate zero change no weight, but give the untrained network's batch norms real statistics: without them
    // the comparison would flatter the training.
    for (let step = 0; step < calibrationSteps; step += 1) {
      await trainer.step(...drawViews(cohort, random), { lr: 0, momentum: 1 })
    }
    await trainer.save(join(folder, 'untrained.checkpoint.safetensors'))
    const progress = showProgress(steps, 4 * temperature * Math.log(batchSize))
    for (let step = 0; step < steps; step += 1) {
      const momentum = 1 - (1 - firstMomentum) * (0.5 + 0.5 * Math.cos((Math.PI * step) / steps))
      const hyper = { lr: learningRate(step, steps), momentum }
      const { loss } = await trainer.step(...drawViews(cohort, random), hyper)
      progress.update(step + 1, loss)
    }
    progress.stop()
    await trainer.save(join(folder, 'pretrained.checkpoint.safetensors'))
  } finally {
    await trainer.dispose()
  }
}

/** Features of the whole cohort by the command that a user would type. */
async function embed(folder: string, name: string): Promise<{ values: Float32Array; width: number }> {
  const file = (suffix: string): string => join(folder, `${name}.${suffix}`)
  await exportBackbone(file('checkpoint.safetensors'), file('safetensors'))
  const cli = fileURLToPath(new URL('../cli/main.js', import.meta.url))
  const input = join(folder, 'slices.npy')
  const flags = ['--weights', file('safetensors'), '--arch', arch, '--input', input, '--output', file('npy')]
  console.log(`gyrus embed ${flags.join(' ')}`)
  await promisify(execFile)(process.execPath, [cli, 'embed', ...flags])
  const { values, shape } = await readNpy(file('npy'))
  return { values, width: shape[1] ?? 0 }
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      out: { type: 'string', default: 'build-demo' },
      steps: { type: 'string', default: '200' },
    },
  })
  await mkdir(options.out, { recursive: true })
  const cohort = drawCohort(subjects, slicesEach, size, 1)
  const count = cohort.subjects.length
  console.log(`drew ${count} slices of ${subjects} invented subjects, ${size} x ${size} px`)
  await pretrain(cohort, options.out, Number(options.steps))

  const pixels = size * size
  for (let slice = 0; slice < count; slice += 1) {
    normalise(cohort.pixels.subarray(slice * pixels, (slice + 1) * pixels))
  }
  await writeNpy(join(options.out, 'slices.npy'), cohort.pixels, [count, 1, size, size])
  const accuracy = (values: Float32Array, width: number): number =>
    nearestNeighbourAccuracy(values, width, cohort.subjects)
  const untrained = await embed(options.out, 'untrained')
  const pretrained = await embed(options.out, 'pretrained')
  const before = accuracy(untrained.values, untrained.width)
  const after = accuracy(pretrained.values, pretrained.width)

  const percent = (value: number): string => `${(100 * value).toFixed(1).padStart(5)} %`
  console.log('\nthe nearest neighbour of a slice shows the same subject:')
  console.log(`  by chance             ${percent((slicesEach - 1) / (count - 1))}`)
  console.log(`  by pixels             ${percent(accuracy(cohort.pixels, pixels))}`)
  console.log(`  untrained network     ${percent(before)}`)
  console.log(`  pretrained network    ${percent(after)}`)
  console.log(`\nweights: ${join(options.out, 'pretrained.safetensors')}`)
  if (after <= before) {
    console.error('the training did not improve on the untrained network: something is wrong')
    process.exitCode = 1
  }
}

await main()
