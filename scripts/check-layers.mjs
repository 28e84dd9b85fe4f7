// The direction of dependencies, as a table: which room may include or import which. A wrong arrow fails lint and names
// both files. A room is the longest prefix below that fits a file's path.
//   node scripts/check-layers.mjs [ROOT]
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const engine = ['native/core', 'native/math', 'native/memory', 'native/graph']

/** Room -> rooms that its files may include, beside itself. */
export const allowed = {
  'native/core': [],
  'native/math': ['native/core'],
  'native/memory': ['native/core'],
  'native/graph': ['native/core'],
  'native/passes': ['native/core', 'native/memory', 'native/graph'],
  'native/backend': engine,
  'native/backend/reference': [...engine, 'native/backend'],
  'native/backend/cpu': [
    ...engine,
    'native/backend',
    'native/backend/cpu/dnnl',
    'native/backend/cpu/simd',
    'native/backend/cpu/amx',
  ],
  'native/backend/cpu/dnnl': [
    ...engine,
    'native/backend',
    'native/backend/cpu',
    'native/backend/cpu/simd',
    'native/backend/cpu/amx',
  ],
  'native/backend/cpu/simd': [...engine, 'native/backend', 'native/backend/cpu'],
  'native/backend/cpu/amx': [...engine, 'native/backend', 'native/backend/cpu', 'native/backend/cpu/simd'],
  'native/backend/cuda': [...engine, 'native/backend', 'native/backend/cuda/kernels'],
  'native/backend/cuda/kernels': ['native/core', 'native/math', 'native/backend'],
  'native/runtime': ['native/core', 'native/memory', 'native/graph', 'native/passes', 'native/backend'],
  'native/nn': ['native/core', 'native/graph'],
  'native/io': ['native/core', 'native/math'],
  'native/imaging': ['native/core', 'native/math', 'native/io'],
  'native/features': ['native/core'],
  'native/data': ['native/core', 'native/io', 'native/imaging'],
  'native/comm': ['native/core', 'native/math'],
  'native/export': ['native/core', 'native/graph', 'native/io'],
  'native/train': [
    ...engine,
    'native/passes',
    'native/backend',
    'native/backend/cpu',
    'native/runtime',
    'native/nn',
    'native/io',
    'native/features',
    'native/comm',
    'native/export',
  ],
  'native/binding': 'any',
  'native/tests': 'any',
  'native/fuzz': 'any',
  'lib/errors.ts': [],
  'lib/addon.ts': ['lib/errors.ts'],
  'lib/package-root.ts': [],
  'lib/native.ts': ['lib/errors.ts', 'lib/addon.ts', 'lib/package-root.ts'],
  'lib/datasets/source.ts': [],
  'lib/options': ['lib/errors.ts', 'lib/native.ts', 'lib/datasets/source.ts'],
  'lib/weights': ['lib/errors.ts', 'lib/native.ts', 'lib/call.ts', 'lib/options'],
  'lib/datasets': ['lib/errors.ts', 'lib/native.ts', 'lib/options', 'lib/datasets/source.ts'],
  'lib/metrics': ['lib/random.ts'],
  'lib/random.ts': [],
  'lib/call.ts': ['lib/errors.ts', 'lib/native.ts'],
  'lib/write-file.ts': ['lib/errors.ts'],
  'lib/volume.ts': ['lib/errors.ts', 'lib/native.ts', 'lib/call.ts', 'lib/options'],
  'lib/kspace.ts': ['lib/errors.ts', 'lib/native.ts', 'lib/call.ts', 'lib/options', 'lib/volume.ts'],
  'lib/curate': [
    'lib/errors.ts',
    'lib/native.ts',
    'lib/random.ts',
    'lib/call.ts',
    'lib/write-file.ts',
    'lib/options',
    'lib/datasets',
    'lib/datasets/source.ts',
    'lib/report',
    'lib/run',
    'lib/slices',
  ],
  'lib/report': [],
  'lib/run': ['lib/errors.ts', 'lib/write-file.ts'],
  'lib/slices': ['lib', 'lib/errors.ts', 'lib/native.ts', 'lib/options', 'lib/write-file.ts'],
  'lib/labelled': [
    'lib',
    'lib/call.ts',
    'lib/errors.ts',
    'lib/native.ts',
    'lib/random.ts',
    'lib/write-file.ts',
    'lib/options',
    'lib/datasets',
    'lib/run',
    'lib/slices',
  ],
  'lib/tasks': [
    'lib',
    'lib/errors.ts',
    'lib/native.ts',
    'lib/random.ts',
    'lib/write-file.ts',
    'lib/options',
    'lib/metrics',
    'lib/report',
    'lib/run',
    'lib/slices',
    'lib/labelled',
    'lib/weights',
  ],
  'lib/pretrain': [
    'lib',
    'lib/errors.ts',
    'lib/native.ts',
    'lib/write-file.ts',
    'lib/options',
    'lib/report',
    'lib/run',
    'lib/slices',
  ],
  'lib/cohort': ['lib/errors.ts', 'lib/random.ts', 'lib/write-file.ts', 'lib/options', 'lib/volume.ts'],
  lib: ['lib/errors.ts', 'lib/native.ts', 'lib/call.ts', 'lib/options', 'lib/weights'],
  'lib/index.ts': 'any',
  'lib/demo': [
    'lib',
    'lib/errors.ts',
    'lib/write-file.ts',
    'lib/options',
    'lib/metrics',
    'lib/report',
    'lib/slices',
    'lib/cohort',
    'lib/curate',
    'lib/pretrain',
    'lib/tasks',
  ],
  'lib/cli': 'any',
  bench: ['lib/index.ts', 'lib/pretrain'],
  'bench/native': [
    'native/core',
    'native/backend/cpu/simd',
    'native/backend/cpu/amx',
    'native/io',
    'native/imaging',
    'native/train',
  ],
  test: 'any',
  scripts: [],
}

/** Rooms that nothing outside them may reach into, and what alone may use a library's headers. */
const private_ = ['native/tests', 'native/fuzz', 'native/binding', 'lib/cli', 'test']
const libraries = [
  { header: /^(oneapi\/)?dnnl/, only: ['native/backend/cpu/dnnl', 'native/tests'] },
  {
    header: /^hwy\//,
    only: [
      'native/backend/cpu/simd',
      'native/imaging',
      'native/features',
      'native/math',
      'native/tests',
      'bench/native',
    ],
  },
  { header: /^(libdeflate|zlib)\.h/, only: ['native/io', 'native/fuzz', 'native/tests', 'bench/native'] },
  {
    header: /^(\w*mm|amx\w*)intrin\.h/,
    only: ['native/backend/cpu/amx', 'native/io', 'native/tests', 'bench/native'],
  },
  { header: /^(napi|node_api)\.h/, only: ['native/binding'] },
  { header: /^(cuda_|cublas|cudnn)/, only: ['native/backend/cuda', 'native/tests/cuda_build'] },
]

export function roomOf(file) {
  let best
  for (const room of Object.keys(allowed)) {
    if ((file === room || file.startsWith(room + '/')) && room.length > (best?.length ?? 0)) best = room
  }
  return best
}

function includesOf(file, source) {
  const pattern = /\.(ts|mjs)$/.test(file)
    ? /(?:^|\n)\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?\s*['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g
    : /^[ \t]*#[ \t]*include[ \t]+["<]([^">]+)[">]/gm
  return [...source.matchAll(pattern)].map((match) => match[1] ?? match[2])
}

/** The repository's file that an include means, or undefined for a library's. */
function target(root, file, name) {
  if (/\.(ts|mjs)$/.test(file)) {
    if (!name.startsWith('.')) return undefined
    return relative(root, resolve(root, dirname(file), name))
      .replace(/\.js$/, '.ts')
      .replace(/^dist\//, '')
  }
  // The folder native/memory is not the standard header <memory>.
  return statSync(join(root, 'native', name), { throwIfNoEntry: false })?.isFile()
    ? join('native', name)
    : undefined
}

function problemWith(file, room, name, reached) {
  if (reached === undefined) {
    const rule = libraries.find(({ header }) => !/\.(ts|mjs)$/.test(file) && header.test(name))
    const isFree = rule === undefined || rule.only.some((prefix) => file.startsWith(prefix + '/'))
    return isFree ? undefined : `${file} includes <${name}>: only ${rule.only.join(' and ')} may`
  }
  const other = roomOf(reached)
  if (other === undefined)
    return `${file} reaches ${reached}, which is in no room of scripts/check-layers.mjs`
  if (other === room || room === 'test' || room === 'native/tests') return undefined
  if (private_.includes(other)) return `${file} reaches ${reached}: nothing outside ${other} may`
  if (allowed[room] === 'any' || allowed[room].includes(other)) return undefined
  return `${file} reaches ${reached}: ${room} may not depend on ${other}`
}

/** All wrong arrows under `root`, as sentences, and how many files were read. */
export function checkLayers(root) {
  const problems = []
  let count = 0
  for (const top of ['native', 'lib', 'bench', 'test', 'scripts']) {
    if (!existsSync(join(root, top))) continue
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(h|cpp|cc|cu|cuh|ts|mjs)$/.test(entry.name)) continue
      const file = relative(root, join(entry.parentPath ?? entry.path, entry.name))
      const room = roomOf(file)
      count += 1
      if (room === undefined) {
        problems.push(`${file} is in no room of scripts/check-layers.mjs: add one, or move the file`)
        continue
      }
      for (const name of includesOf(file, readFileSync(join(root, file), 'utf8'))) {
        const problem = problemWith(file, room, name, target(root, file, name))
        if (problem !== undefined) problems.push(problem)
      }
    }
  }
  return { problems, count }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
  const { problems, count } = checkLayers(root)
  for (const problem of problems) console.error(problem)
  console.log(`layers: ${count} files, ${problems.length} wrong arrows`)
  process.exitCode = problems.length > 0 || count === 0 ? 1 : 0
}
