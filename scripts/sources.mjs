// The list of translation units, native/sources.json, which CMakeLists.txt and binding.gyp both read.
//   node scripts/sources.mjs --update        rewrites it from the tree
//   node scripts/sources.mjs --check         fails when it is stale
//   node scripts/sources.mjs GROUP...        prints the files of these groups (binding.gyp calls this)
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const listFile = join(root, 'native', 'sources.json')

/** Which group a file belongs to, by its folder: the first prefix that fits. */
const groups = [
  ['cuda_tests', 'native/tests/cuda_build/'],
  ['no_cuda_tests', 'native/tests/no_cuda_build/'],
  ['tests', 'native/tests/'],
  ['fuzz', 'native/fuzz/'],
  ['binding', 'native/binding/'],
  ['cuda', 'native/backend/cuda/'],
  ['no_cuda', 'native/backend/no_cuda.cpp'],
  ['engine', 'native/'],
]

function scan() {
  const files = readdirSync(join(root, 'native'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(cpp|cc|cu)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length))
    .sort()
  const list = Object.fromEntries(groups.map(([name]) => [name, []]))
  for (const file of files) list[groups.find(([, prefix]) => file.startsWith(prefix))[0]].push(file)
  return JSON.stringify(list, null, 2) + '\n'
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--update') {
  writeFileSync(listFile, scan())
} else if (first === '--check') {
  if (readFileSync(listFile, 'utf8') !== scan()) {
    console.error('native/sources.json is stale: run `node scripts/sources.mjs --update`')
    process.exit(1)
  }
} else {
  const list = JSON.parse(readFileSync(listFile, 'utf8'))
  console.log([first, ...rest].flatMap((group) => list[group] ?? []).join('\n'))
}
