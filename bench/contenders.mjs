// The processes that compete in a training step, as the harness starts them.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { batch, size } from './cases.mjs'
import { runContender } from './harness.mjs'

const programs = fileURLToPath(new URL('./contenders/', import.meta.url))

/** Those of one case; `scratch` holds the views, and the weights that both sides start from. */
export function contendersOf(one, scratch, threads) {
  const env = { OMP_NUM_THREADS: String(threads) }
  const argumentsOf = ({ steps, warmup = 2 }) => {
    const common = { arch: one.arch, precision: one.precision, batch, size, threads, steps, warmup }
    const files = { data: join(scratch, 'views.f32'), weights: join(scratch, 'weights.safetensors') }
    return Object.entries({ ...common, ...files }).flatMap(([name, value]) => [`--${name}`, String(value)])
  }
  const gyrus = (options, extra = []) => {
    const program = join(programs, `${one.work}.gyrus.mjs`)
    return { name: 'gyrus', command: [process.execPath, program, ...argumentsOf(options), ...extra], env }
  }
  const peer = (python, setting, options) => {
    const program = join(programs, `${one.work}.torch.py`)
    const command = [python, program, ...argumentsOf(options), '--mode', setting.mode]
    return { name: setting.name, command, env: { ...env, ...setting.env } }
  }
  /** The contenders' processes print nothing when they only write weights. */
  const writeWeights = async () => {
    try {
      await runContender(gyrus({ steps: 1 }, ['--write-weights']))
    } catch (error) {
      if (!error.message.includes('ended with 0 ')) throw error
    }
  }
  return { gyrus, peer, writeWeights }
}
