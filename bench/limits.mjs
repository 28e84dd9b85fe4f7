// The machine's limits, measured by bench/native, and the time that they leave a kernel at least.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../build/gyrus_limits', import.meta.url))

/**
 * {threads, f32Flops, bf16Flops, bf16Unit, memoryBandwidth, memoryBytes, cacheBandwidth, cacheBytes}, rates a second;
 * null for what this machine lacks. Takes a second or two.
 */
export function measureLimits(threads) {
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive' }
  const { status, stdout, stderr, error } = spawnSync(program, ['--threads', String(threads)], {
    encoding: 'utf8',
    env,
  })
  if (error !== undefined)
    throw new Error(`${program} does not run: npm run build makes it`, { cause: error })
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.trim()}`)
  return JSON.parse(stdout)
}

/** Rates are limits: what the machine did once it can do. */
export function largerOf(a, b) {
  const rates = ['f32Flops', 'bf16Flops', 'memoryBandwidth', 'cacheBandwidth']
  const larger = rates.map((name) => [name, a[name] === null ? b[name] : Math.max(a[name], b[name])])
  return { ...a, ...Object.fromEntries(larger) }
}

/** bf16 numbers may also be widened and multiplied in f32, which is quicker where there are no tiles. */
export function peakFlops(limits, precision) {
  return precision === 'bf16' ? Math.max(limits.f32Flops, limits.bf16Flops ?? 0) : limits.f32Flops
}

/** Sums by kind, longest first: {kind, count, seconds, flops, bytes, limitSeconds}. */
export function byKind(kernels, limits, precision) {
  const peak = peakFlops(limits, precision)
  const kinds = new Map()
  for (const { kind, seconds, flops, bytes } of kernels) {
    const sum = kinds.get(kind) ?? { kind, count: 0, seconds: 0, flops: 0, bytes: 0, limitSeconds: 0 }
    sum.count += 1
    sum.seconds += seconds
    sum.flops += flops
    sum.bytes += bytes
    sum.limitSeconds += Math.max(flops / peak, bytes / limits.memoryBandwidth)
    kinds.set(kind, sum)
  }
  return [...kinds.values()].sort((a, b) => b.seconds - a.seconds)
}

/** All kinds as one. */
export function totalOf(kinds) {
  const sum = (name) => kinds.reduce((total, one) => total + one[name], 0)
  const names = ['count', 'seconds', 'flops', 'bytes', 'limitSeconds']
  return { kind: 'all', ...Object.fromEntries(names.map((name) => [name, sum(name)])) }
}
