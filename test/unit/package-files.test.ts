// dist/gyrus, what the package consists of: complete, and asking for nothing that is not installed with it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import t from 'tap'
import * as library from '../../lib/index.js'

const folder = new URL('../../gyrus/', import.meta.url)
const root = new URL('../../', folder)
const files = readdirSync(folder).filter((file) => file.endsWith('.js'))
const texts = files.map((file) => readFileSync(new URL(file, folder), 'utf8'))
/** Where a package's own comment names a type, it imports nothing. */
const comments = /^\s*(?:\/?\*|\/\/).*$/gm

interface Package {
  readonly dependencies: Readonly<Record<string, string>>
}

void t.test('it exports what lib/index.ts does', async (t) => {
  const packed = (await import(new URL('index.js', folder).href)) as object
  t.same(Object.keys(packed).sort(), Object.keys(library).sort())
})

void t.test('what it imports is its own, Node’s, or a dependency', (t) => {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Package
  const imports = texts.flatMap((text) =>
    [
      ...text
        .replace(comments, '')
        .matchAll(/^(?:import|export|\})[^'"`;\n]*?from ["']([^"']+)["']|\bimport\(["']([^"']+)["']\)/gm),
    ].map((match) => match[1] ?? match[2] ?? ''),
  )
  t.ok(imports.includes('sharp'), 'images are read by a package that is installed')
  for (const name of new Set(imports)) {
    if (name.startsWith('./')) t.ok(existsSync(new URL(name, folder)), name)
    else t.ok(name.startsWith('node:') || builtinModules.includes(name) || name in dependencies, name)
  }
  t.end()
})

void t.test('the threads that it starts are there', (t) => {
  const threads = texts.flatMap((text) =>
    [...text.matchAll(/["']\.\/([a-z]+-thread\.js)["']/g)].map(([, name = '']) => name),
  )
  t.same([...new Set(threads)].sort(), ['manifest-thread.js', 'report-thread.js', 'subject-thread.js'])
  for (const name of threads) t.ok(files.includes(name), name)
  t.end()
})

void t.test('it carries the licences of the packages within', (t) => {
  const licences = readFileSync(new URL('LICENSES.txt', folder), 'utf8')
  const within = new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(([, name = '']) => name),
    ),
  )
  t.ok(within.has('zod'))
  for (const name of within) t.ok(licences.includes(`\n${name} `) || licences.startsWith(`${name} `), name)
  t.end()
})
