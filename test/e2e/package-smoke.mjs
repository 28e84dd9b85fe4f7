// Run by scripts/test in the folder of a fresh installation of the packed package: it loads and computes there.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
let passed = 0
let failed = 0

async function check(name, body) {
  try {
    await body()
    passed += 1
    console.log(`ok ${passed + failed} - ${name}`)
  } catch (error) {
    failed += 1
    console.log(`not ok ${passed + failed} - ${name}\n  # ${error.stack}`)
  }
}

await check('the installed command examines the machine', () => {
  const out = execFileSync(join(here, 'node_modules', '.bin', 'gyrus'), ['doctor', '--json'], {
    encoding: 'utf8',
  })
  const { onednn } = JSON.parse(out)
  // oneDNN must be the copy that came with the package.
  if (!onednn.path.startsWith(here))
    throw new Error(`oneDNN was loaded from ${onednn.path}, not from below ${here}`)
})

await check('the installed library embeds an image', async () => {
  const { Encoder, memory } = await import('gyrus')
  const encoder = await Encoder.load({
    arch: 'resnet18',
    imageSize: 32,
    channels: 1,
    precision: 'f32',
    seed: 1,
  })
  const features = await encoder.embed(new Float32Array(32 * 32).fill(0.5))
  await encoder.dispose()
  if (features.length !== 512 || !features.every(Number.isFinite)) throw new Error(`features: ${features}`)
  if (memory().hostBytes !== 0) throw new Error(`${memory().hostBytes} bytes are still held`)
})

await check('the installed library curates images and reports', async () => {
  const { curate } = await import('gyrus')
  const source = join(here, 'in')
  mkdirSync(source)
  // A header of version 1.0 and 8 slices of 16 x 16.
  const words = "{'descr': '|u1', 'fortran_order': False, 'shape': (8, 16, 16), }".padEnd(117) + '\n'
  const pixels = Uint8Array.from({ length: 8 * 256 }, (_, at) => (at * 31) % 251)
  writeFileSync(
    join(source, 'a.npy'),
    Buffer.concat([Buffer.from('\x93NUMPY\x01\x00v\x00' + words, 'latin1'), pixels]),
  )
  const out = join(here, 'out')
  for await (const event of curate({ roots: [source], out, size: 16 }))
    if (event.type === 'done' && event.kept !== 1) throw new Error(`kept ${event.kept} of 8`)
  if (!readFileSync(join(out, 'report.html'), 'utf8').includes('<svg')) throw new Error('no figures')
})

console.log(`1..${passed + failed}\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
