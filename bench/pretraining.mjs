// The bench of pretraining beyond the bare step: augmentation against torchvision on PIL, and what feeding costs.
//   npm run bench -- --suite pretraining [--rounds 5] [--pairs 320] [--preset TEXT] [--batch 16] [--block 3]
//                                        [--threads N]
//     --pairs    of views, a contender and round
//     --preset   only the presets whose name contains TEXT
//     --batch    images a step: the presets' own would need minutes a step here
//     --block    steps in a row, fed or bare
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { presets } from 'gyrus'
import { median, runContender } from './harness.mjs'
import { normals } from './inputs.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { findPython } from './peers.mjs'
import { writeReport } from './report.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    pairs: { type: 'string', default: '320' },
    preset: { type: 'string', default: '' },
    batch: { type: 'string', default: '16' },
    block: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const { rounds, pairs, preset, batch, block, threads } = options
const floor = { augmentation: 5, feeding: 0.95 }
const shardShape = [64, 256, 256]
const env = { OMP_NUM_THREADS: threads }
const say = (line) => process.stderr.write(line + '\n')
const contender = (name) => join(folder, 'contenders', name)
const run = (name, command) => runContender({ name, command, env, hasSteps: false }, 3600)
const range = (values) => [Math.min(...values), Math.max(...values)]

/** Smooth slices: blobs over a little noise. */
function writeShard(path) {
  const [rows, height, width] = shardShape
  const noise = normals(height * width, 5)
  const pixels = Uint16Array.from({ length: rows * height * width }, (_, at) => {
    const [row, place] = [Math.floor(at / (height * width)), at % (height * width)]
    const [y, x] = [Math.floor(place / width), place % width]
    const wave = Math.sin((x + 3 * row) / 23) * Math.cos((y - 5 * row) / 31)
    return Math.max(0, Math.min(65535, 24000 + 18000 * wave + 1500 * noise[place]))
  })
  const dict = `{'descr': '<u2', 'fortran_order': False, 'shape': (${shardShape.join(', ')}), }`
  const head = Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'),
    Buffer.from(`${dict.padEnd(117)}\n`, 'latin1'),
  ])
  writeFileSync(path, Buffer.concat([head, Buffer.from(pixels.buffer)]))
}

async function compareAugmentation(shard, python) {
  const runs = []
  for (let round = 0; round < Number(rounds); round += 1) {
    const parameters = ['--shard', shard, '--pairs', pairs]
    const gyrus = await run('gyrus', [process.execPath, contender('augment.gyrus.mjs'), ...parameters])
    const peer = await run('peer', [python, contender('augment.torch.py'), ...parameters])
    runs.push({ gyrus, peer })
    say(
      `  ${round + 1}: ${gyrus.pairsPerSecond.toFixed(0)} against ${peer.pairsPerSecond.toFixed(0)} pairs/s`,
    )
  }
  const speedups = runs.map(({ gyrus, peer }) => gyrus.pairsPerSecond / peer.pairsPerSecond)
  return {
    pairsPerSecond: {
      gyrus: median(runs.map(({ gyrus }) => gyrus.pairsPerSecond)),
      peer: median(runs.map(({ peer }) => peer.pairsPerSecond)),
    },
    speedup: median(speedups),
    speedupRange: range(speedups),
    versions: runs[0].peer.versions,
  }
}

async function measureFeeding(shard, name) {
  const parameters = { shard, preset: name, batch, threads, rounds, block }
  const command = [process.execPath, contender('feeding.gyrus.mjs')]
  for (const [key, value] of Object.entries(parameters)) command.push(`--${key}`, value)
  const { bare, fed, waited } = await run(name, command)
  const ratios = bare.map((seconds, at) => seconds / fed[at])
  const steps = Number(block) * Number(batch)
  return {
    preset: name,
    batch: Number(batch),
    pairsPerSecond: { bare: median(bare.map((s) => steps / s)), fed: median(fed.map((s) => steps / s)) },
    ratio: median(ratios),
    ratioRange: range(ratios),
    waitShare: waited / fed.reduce((sum, seconds) => sum + seconds, 0),
  }
}

const machine = await describeMachine(Number(threads))
function record(entry) {
  mkdirSync(join(folder, 'results'), { recursive: true })
  const command = commandLine('npm run bench -- --suite pretraining', {
    ...{ rounds, pairs, batch, block, threads },
  })
  const common = { date: new Date().toISOString(), machine, command, rounds: Number(rounds), floor }
  appendFileSync(join(folder, 'results', 'pretraining.jsonl'), JSON.stringify({ ...entry, ...common }) + '\n')
}

const scratch = mkdtempSync(join(tmpdir(), 'gyrus-bench-'))
try {
  const shard = join(scratch, 'slices.npy')
  writeShard(shard)
  const augmentation = await compareAugmentation(shard, findPython(['torch', 'torchvision', 'PIL']))
  record({ kind: 'augmentation', case: 'augmentation', ...augmentation })
  console.log(`augmentation: ${augmentation.speedup.toFixed(1)} x torchvision on PIL`)
  for (const name of Object.keys(presets).filter((one) => one.includes(preset))) {
    const feeding = await measureFeeding(shard, name)
    record({ kind: 'feeding', case: name, ...feeding })
    console.log(`${name}: ${feeding.ratio.toFixed(3)} of the bare step's throughput`)
  }
  writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
