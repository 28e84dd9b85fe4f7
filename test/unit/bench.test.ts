// The bench's tables: what the limits allow a kernel, and RESULTS.md from records of several machines.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { KernelTime } from '../../lib/index.js'

interface Limits {
  threads: number
  f32Flops: number
  bf16Flops: number | null
  bf16Unit: string | null
  memoryBandwidth: number
  memoryBytes: number
  cacheBandwidth: number | null
  cacheBytes: number
}
interface Kind {
  kind: string
  count: number
  seconds: number
  flops: number
  bytes: number
  limitSeconds: number
}
interface Module {
  measureLimits(threads: number): Limits
  largerOf(a: Limits, b: Limits): Limits
  byKind(kernels: KernelTime[], limits: Limits, precision: string): Kind[]
  totalOf(kinds: Kind[]): Kind
}
const bench = new URL('../../../bench/', import.meta.url)
const { measureLimits, largerOf, byKind, totalOf } = (await import(
  new URL('limits.mjs', bench).href
)) as Module

const limits: Limits = {
  threads: 2,
  f32Flops: 100e9,
  bf16Flops: null,
  bf16Unit: null,
  memoryBandwidth: 10e9,
  memoryBytes: 2 ** 30,
  cacheBandwidth: null,
  cacheBytes: 0,
}
const kernel = (kind: string, seconds: number, flops: number, bytes: number): KernelTime => ({
  name: `${kind} layer`,
  kind,
  seconds,
  flops,
  bytes,
})

void t.test('a limit is the larger of arithmetic and memory, kernel by kernel', (t) => {
  const kernels = [
    kernel('add', 0.001, 1e6, 5e6), // memory: 0.5 ms
    kernel('conv2d', 0.04, 2e9, 1e6), // arithmetic: 20 ms
    kernel('conv2d', 0.01, 1e8, 3e7), // arithmetic: 1 ms, memory: 3 ms
  ]
  const kinds = byKind(kernels, limits, 'f32')
  t.match(kinds, [
    { kind: 'conv2d', count: 2, seconds: 0.05, flops: 2.1e9, bytes: 3.1e7 },
    { kind: 'add', count: 1, seconds: 0.001 },
  ])
  const limitsInMs = kinds.map((one) => Number((one.limitSeconds * 1000).toFixed(6)))
  t.same(limitsInMs, [23, 0.5])
  const total = totalOf(kinds)
  t.match(total, { kind: 'all', count: 3, flops: 2.101e9, bytes: 3.6e7 })
  t.equal(total.limitSeconds.toFixed(6), '0.023500')
  t.end()
})

void t.test('bf16 is held against the faster of both units', (t) => {
  const limitOf = (bf16Flops: number | null, precision: string) =>
    byKind([kernel('conv2d', 1, 1e9, 0)], { ...limits, bf16Flops }, precision)[0]?.limitSeconds
  t.equal(limitOf(1000e9, 'bf16'), 0.001)
  t.equal(limitOf(1000e9, 'f32'), 0.01)
  t.equal(limitOf(50e9, 'bf16'), 0.01)
  t.equal(limitOf(null, 'bf16'), 0.01)
  t.end()
})

void t.test('of two measurements the larger rates count', (t) => {
  const other = { ...limits, f32Flops: 90e9, memoryBandwidth: 11e9 }
  t.same(largerOf(limits, other), { ...limits, memoryBandwidth: 11e9 })
  t.same(largerOf(other, limits), { ...limits, memoryBandwidth: 11e9 })
  t.end()
})

void t.test('this machine can be measured', (t) => {
  const found = measureLimits(1)
  t.same(Object.keys(found), Object.keys(limits))
  t.equal(found.threads, 1)
  t.ok(found.f32Flops > 1e9 && found.f32Flops < 1e12, `${found.f32Flops} operations a second of one core`)
  t.ok(
    found.memoryBandwidth > 1e8 && found.memoryBandwidth < 1e12,
    `${found.memoryBandwidth} bytes a second of one core`,
  )
  t.equal(found.bf16Flops === null, found.bf16Unit === null)
  t.equal(found.cacheBandwidth === null, found.cacheBytes === 0)
  t.end()
})

void t.test('a wrong command line is refused, and measureLimits() says so', (t) => {
  const program = new URL('../build/gyrus_limits', bench).pathname
  const wrong = spawnSync(program, ['--threads', 'many'], { encoding: 'utf8' })
  t.equal(wrong.status, 2)
  t.match(wrong.stderr, /usage: gyrus_limits/)
  t.throws(() => measureLimits(0), { message: /gyrus_limits ended with 2: usage/ })
  t.end()
})

const comparison = (cpu: string, isa: string | undefined, date: string, secondsPerStep: number) => ({
  kind: 'comparison',
  case: 'moco_step resnet50 bf16',
  date,
  machine: { cpu, threads: 2, ...(isa === undefined ? {} : { isa, features: ['avx2'] }) },
  ...(isa === undefined ? {} : { command: "npm run bench -- --case 'moco_step resnet50 bf16'" }),
  floor: { speedup: 1.2, memory: 0.6, firstStep: 3 },
  ours: { name: 'gyrus', secondsPerStep, deviation: 0.01, peakBytes: 2 ** 30, secondsToFirstStep: 2 },
  theirs: {
    name: 'PyTorch eager',
    secondsPerStep: 2,
    deviation: 0.01,
    peakBytes: 2 ** 31,
    secondsToFirstStep: 9,
  },
  speedup: 2 / secondsPerStep,
  speedupRange: [1, 2],
  memoryRatio: 0.5,
})

/** RESULTS.md of the records in a folder. */
function report(root: string): string {
  const path = new URL('report.mjs', bench).pathname
  const { status, stderr } = spawnSync(process.execPath, [path, root], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  return readFileSync(join(root, 'RESULTS.md'), 'utf8')
}

void t.test('rows of different machines stand apart, the newest of each case', (t) => {
  const records = [
    comparison('Xeon', 'AVX-512 with bf16', '2026-02-03T00:00:00Z', 1.5),
    comparison('Xeon', undefined, '2026-01-01T00:00:00Z', 1.75),
    comparison('Xeon', 'AMX with bf16', '2026-02-01T00:00:00Z', 0.5),
    comparison('Xeon', 'AVX-512 with bf16', '2026-02-02T00:00:00Z', 1.25),
  ]
  const root = t.testdir({ results: { 'a.jsonl': records.map((one) => JSON.stringify(one)).join('\n') } })
  const sections = report(root).split('\n### ').slice(1)
  t.equal(sections.length, 3)
  const [unknown, amx, without] = sections
  t.match(unknown, /^Xeon, 2 threads, instruction sets not recorded\n/)
  t.match(unknown, '| moco_step resnet50 bf16 | 2026-01-01 | 1.750 ')
  t.match(unknown, '- moco_step resnet50 bf16: not recorded')
  t.match(amx, /^Xeon, 2 threads, AMX with bf16\n/)
  t.match(amx, '| 2026-02-01 | 0.500 ')
  t.match(without, /^Xeon, 2 threads, AVX-512 with bf16, no AMX\n/)
  t.match(without, '| 2026-02-03 | 1.500 ')
  t.notMatch(without, '1.250', 'an older record of the same case and machine')
  t.match(without, "- `npm run bench -- --case 'moco_step resnet50 bf16'`")
  t.end()
})

void t.test('a profile is shown against its limits', (t) => {
  const kinds = byKind(
    [kernel('conv2d', 0.05, 2e9, 1e6), kernel('add', 0.01, 0, 5e7)],
    { ...limits, bf16Flops: 50e9, bf16Unit: 'AVX-512' },
    'bf16',
  )
  const record = {
    kind: 'profile',
    case: 'moco_step resnet50 bf16',
    date: '2026-02-03T00:00:00Z',
    machine: { cpu: 'Xeon', threads: 2, isa: 'AVX-512 with bf16', features: [] },
    command: 'node bench/profile.mjs --record',
    limits: { ...limits, bf16Flops: 50e9, bf16Unit: 'AVX-512' },
    kinds,
  }
  const text = report(t.testdir({ results: { 'profile.jsonl': JSON.stringify(record) + '\n' } }))
  t.match(text, '### Xeon, 2 threads, AVX-512 with bf16, no AMX\n')
  t.match(text, '#### moco_step resnet50 bf16: 60.0 ms in kernels\n')
  t.match(text, '2026-02-03, by `node bench/profile.mjs --record`\n')
  t.match(
    text,
    'Limits of 2 threads: f32 100 GFLOP/s, bf16 50.0 GFLOP/s (AVX-512), memory 10.0 GB/s, no shared cache.',
  )
  t.match(text, '| conv2d | 1 | 50.0 | 83.3 % | 40.0 | 0.0 | 20.0 | 40.0 % |\n')
  t.match(text, '| add | 1 | 10.0 | 16.7 % | - | 5.0 | 5.0 | 50.0 % |\n')
  t.match(text, '| all | 2 | 60.0 | 100.0 % | 33.3 | 0.8 | 25.0 | 41.7 % |\n')
  t.end()
})
