// Makes dist/gyrus of dist/lib: the library, the command and the threads that they start, with the packages that they
// need, in a few files. To find and compile three hundred modules takes longer than to curate ten volumes.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const into = 'dist/gyrus'

/** What begins a program or a thread, by the name of its file. Threads are started by the names of their modules. */
const entryPoints = {
  index: 'dist/lib/index.js',
  cli: 'dist/lib/cli/main.js',
  'manifest-thread': 'dist/lib/curate/manifest-thread.js',
  'report-thread': 'dist/lib/curate/report-thread.js',
  'subject-thread': 'dist/lib/cohort/subject-thread.js',
}

/** Packages of CommonJS ask for Node's own modules by a function that a module lacks. */
const banner = `import { createRequire as gyrusRequire } from 'node:module'
const require = gyrusRequire(import.meta.url)`

rmSync(into, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints,
  outdir: into,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['sharp'], // a library of its own, found where npm puts it
  banner: { js: banner },
  metafile: true,
  logLevel: 'warning',
})

const described = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** A package as the one in `from` finds it. */
function find(name, from) {
  const folder = join(from, 'node_modules', name)
  if (existsSync(folder)) return folder
  if (from === '.') throw new Error(`${name} is not installed`)
  return find(name, dirname(from))
}

/** The folders of the packages within, and of those that they depend on: some hold others in files of their own. */
function packages() {
  const all = new Set()
  const add = (folder) => {
    if (all.has(folder)) return
    all.add(folder)
    for (const name of Object.keys(described(folder).dependencies ?? {})) add(find(name, folder))
  }
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
      if (folder !== undefined && bytesInOutput > 0) add(folder)
    }
  }
  return [...all].sort()
}

function licenceOf(folder) {
  const { name, version, license } = described(folder)
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))
  const text = file === undefined ? license : readFileSync(join(folder, file), 'utf8')
  return `${name} ${version}\n\n${text.trim()}\n`
}

const rule = '-'.repeat(80)
writeFileSync(join(into, 'LICENSES.txt'), packages().map(licenceOf).join(`\n${rule}\n\n`))
