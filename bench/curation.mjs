// The bench of curation: `curate()` against nibabel and scikit-image, and against libdeflate inflating the same files;
// the entropy kernel against scikit-image. Contenders alternate; JSON lines are recorded and RESULTS.md is written.
//   npm run bench -- --suite curation --input FOLDER [--volumes 1000] [--rounds 5] [--threads N]
//     --input    .nii.gz T1 volumes
//     --volumes  how many are curated: the folder's, under more names where it holds fewer. An archive has thousands;
//                of few, most of the time goes to starting and ending
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median, runContender } from './harness.mjs'
import { normals } from './inputs.mjs'
import { commandLine, describeMachine } from './machine.mjs'
import { findPython } from './peers.mjs'
import { writeReport } from './report.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const { values: options } = parseArgs({
  options: {
    input: { type: 'string' },
    volumes: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
if (options.input === undefined) throw new Error('--input FOLDER is needed: a folder with .nii.gz T1 volumes')

const modules = ['nibabel', 'skimage', 'numpy']
const rounds = Number(options.rounds)
const entropyImages = { count: 200, size: 256 }
const floor = { speedup: 25, ofInflate: 0.85, memory: 2 ** 30, entropyRate: 3e9, difference: 1e-6 }
const say = (line) => process.stderr.write(line + '\n')
const env = { OMP_NUM_THREADS: options.threads }

/** Runs a contender that says only how it ended. */
const run = (name, command) => runContender({ name, command, env, hasSteps: false })

/** Links under names of IXI's, so that every volume is a subject of its own. */
function linkVolumes(scratch) {
  const files = readdirSync(options.input, { recursive: true })
    .filter((file) => file.endsWith('.nii.gz'))
    .sort()
  if (files.length === 0) throw new Error(`there is no .nii.gz file below ${options.input}`)
  const into = join(scratch, 'volumes')
  mkdirSync(into)
  return Array.from({ length: Number(options.volumes) }, (_, at) => {
    const path = join(into, `IXI${String(at).padStart(3, '0')}-Guys-${1000 + at}-T1.nii.gz`)
    linkSync(join(options.input, files[at % files.length]), path)
    return path
  })
}

/** The largest difference of two lists of entropies, in bits. */
function differenceOf(ours, theirs) {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} entropies against ${theirs.length}`)
  return Math.max(...ours.map((bits, at) => Math.abs(bits - theirs[at])))
}

async function compareCuration(scratch, python) {
  const paths = linkVolumes(scratch)
  const input = join(scratch, 'volumes')
  const program = (name) => join(folder, 'contenders', name)
  const contenders = {
    inflate: [join(folder, '..', 'build', 'gyrus_inflate'), '--threads', options.threads, ...paths],
    gyrus: [process.execPath, program('curate.gyrus.mjs'), '--input', input, '--scratch', scratch],
    peer: [python, program('curate.nibabel.py'), '--input', input, '--threads', options.threads],
  }
  const runs = []
  for (let round = 0; round < rounds; round += 1) {
    const results = {}
    for (const [name, command] of Object.entries(contenders)) results[name] = await run(name, command)
    const difference = differenceOf(results.gyrus.sample, results.peer.sample)
    if (!(difference < 1e-2)) throw new Error(`the entropies differ by ${difference} bits`)
    runs.push({ ...results, difference })
    const seconds = (name) => `${name} ${results[name].seconds.toFixed(2)} s`
    say(`  ${round + 1}: ${seconds('gyrus')}, ${seconds('peer')}, ${seconds('inflate')}`)
  }
  const of = (name, key) => median(runs.map((one) => one[name][key]))
  const speedups = runs.map(({ gyrus, peer }) => peer.seconds / gyrus.seconds)
  const ofInflate = runs.map(({ gyrus, inflate }) => inflate.seconds / gyrus.seconds)
  return {
    volumes: paths.length,
    slices: of('gyrus', 'slices'),
    packedBytes: paths.reduce((sum, path) => sum + statSync(path).size, 0),
    unpackedBytes: of('inflate', 'bytes'),
    seconds: {
      gyrus: of('gyrus', 'seconds'),
      peer: of('peer', 'seconds'),
      inflate: of('inflate', 'seconds'),
    },
    speedup: median(speedups),
    speedupRange: [Math.min(...speedups), Math.max(...speedups)],
    ofInflate: median(ofInflate),
    ofInflateRange: [Math.min(...ofInflate), Math.max(...ofInflate)],
    peakBytes: { gyrus: of('gyrus', 'peakBytes'), peer: of('peer', 'peakBytes') },
    difference: median(runs.map((one) => one.difference)),
    versions: runs[0].peer.versions,
  }
}

/** Grey values with a long tail, like the peer's. */
function writeImages(path) {
  const values = normals(entropyImages.count * entropyImages.size ** 2, 3)
  writeFileSync(
    path,
    Uint8Array.from(values, (value) => Math.min(255, 40 * value * value)),
  )
}

async function compareEntropy(scratch, python) {
  const input = join(scratch, 'images.u8')
  writeImages(input)
  const parameters = Object.entries({ input, ...entropyImages }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ])
  const bytes = entropyImages.count * entropyImages.size ** 2
  const runs = []
  for (let round = 0; round < rounds; round += 1) {
    const gyrus = await run('gyrus', [
      process.execPath,
      join(folder, 'contenders', 'entropy.gyrus.mjs'),
      ...parameters,
    ])
    const peer = await run('peer', [python, join(folder, 'contenders', 'entropy.skimage.py'), ...parameters])
    runs.push({ gyrus, peer, difference: differenceOf(gyrus.sample, peer.sample) })
  }
  const rate = (name, key) => median(runs.map((one) => bytes / one[name][key]))
  return {
    rates: {
      gyrus: rate('gyrus', 'seconds'),
      skimage: rate('peer', 'seconds'),
      bincount: rate('peer', 'bincountSeconds'),
    },
    speedup: median(runs.map(({ gyrus, peer }) => peer.seconds / gyrus.seconds)),
    difference: Math.max(...runs.map((one) => one.difference)),
    versions: runs[0].peer.versions,
  }
}

const python = findPython(modules)
const machine = await describeMachine(Number(options.threads))
const record = (entry) => {
  mkdirSync(join(folder, 'results'), { recursive: true })
  const { volumes, threads } = options
  const command = commandLine('npm run bench -- --suite curation --input FOLDER', {
    volumes,
    rounds,
    threads,
  })
  const common = { date: new Date().toISOString(), machine, command, rounds, floor }
  appendFileSync(join(folder, 'results', 'curation.jsonl'), JSON.stringify({ ...entry, ...common }) + '\n')
}
const scratch = mkdtempSync(join(options.input, '..', 'gyrus-bench-'))
try {
  const entropy = await compareEntropy(scratch, python)
  record({ kind: 'entropy', case: 'entropy', ...entropy })
  console.log(
    `entropy: ${(entropy.rates.gyrus / 1e9).toFixed(2)} GB/s a core, ${entropy.speedup.toFixed(0)} x scikit-image`,
  )
  const curation = await compareCuration(scratch, python)
  record({ kind: 'curation', case: 'curation', ...curation })
  console.log(
    `curation: ${curation.speedup.toFixed(1)} x nibabel and scikit-image, ` +
      `${curation.ofInflate.toFixed(2)} of libdeflate alone, ${(curation.peakBytes.gyrus / 2 ** 20).toFixed(0)} MiB`,
  )
  writeReport()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
