// `gyrus doctor`: complete, and the same for people and programs. And what happens without an addon.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { doctor } from '../../lib/index.js'
import { cli, gyrus, jsonLines } from '../support/cli.js'

void t.test('the report is complete', async (t) => {
  const report = await doctor()
  t.ok(report.cpuFeatures.includes('sse4.2'))
  t.ok(report.simdTargets.length > 0)
  t.match(report.onednn.version, /^3\.\d+\.\d+$/)
  t.match(report.onednn.path, /libdnnl/)
  t.equal(report.onednn.threading, 'OpenMP')
  t.ok(report.threads >= 1 && report.threads <= 4096)
  t.same(
    report.cudaLibraries.map(({ name }) => name.split('.')[0]),
    ['libcuda', 'libcublasLt', 'libcudnn', 'libnccl'],
  )
  for (const { path, problem, searched } of report.cudaLibraries) {
    t.equal(path === null, problem !== null)
    t.ok(searched.length > 0)
  }
  t.ok(report.gpu.length > 0)
})

void t.test('on the command line', async (t) => {
  const report = await doctor()
  const json = gyrus('doctor', '--json')
  t.equal(json.status, 0, json.stderr)
  t.same(jsonLines(json.stdout), [report])
  const { status, stdout } = gyrus('doctor')
  t.equal(status, 0)
  t.match(stdout, report.cpu)
  t.match(stdout, report.onednn.version)
  t.match(stdout, /libnccl\.so\.2 \(not used yet\): /)
})

void t.test('a machine without bf16 says so, and refuses bf16', (t) => {
  const fixture = fileURLToPath(new URL('without-bf16.js', import.meta.url))
  const env = { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture], { encoding: 'utf8', env })
  t.equal(status, 0, stderr)
  t.same(JSON.parse(stdout), {
    hasBf16: false,
    isa: 'AVX2',
    automatic: 'f32',
    bf16: 'ERR_GYRUS_PRECISION_UNSUPPORTED',
  })
  t.end()
})

void t.test('without an addon: the causes and a remedy, but --help works', (t) => {
  const env = { ...process.env, GYRUS_ADDON: '/nowhere/gyrus.node' }
  const run = (parameter: string) => spawnSync(process.execPath, [cli, parameter], { encoding: 'utf8', env })
  const { status, stderr } = run('doctor')
  t.equal(status, 1)
  t.match(stderr, /could not be loaded.*\/nowhere\/gyrus.node: there is no such file.*remedy: /s)
  t.equal(run('--help').status, 0)
  t.end()
})
