// Size guides: a file or function over its guide holds two ideas. A file may exceed the guide when its head (first five
// lines) says why: "Over the size guide: <reason>".
//   node scripts/check-size.mjs [ROOT]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The first pattern that fits a path gives its guide, in lines. */
const guides = [
  [/^(bench\/)?native\/.*\.h$/, 200],
  [/^(bench\/)?native\/.*\.(cpp|cc|cu|cuh)$/, 400],
  [/^(test|bench)\/.*\.(ts|mjs|py)$/, 400],
  [/^lib\/.*\.ts$/, 300],
  [/^scripts\//, 300],
  [/^bench\/RESULTS\.md$/, Infinity],
  [/\.md$/, 300],
]
const columnLimit = 120
const functionLimit = 60
const tops = ['native', 'lib', 'test', 'bench', 'scripts', 'docs']
const rootFiles = ['README.md', 'CONTRIBUTING.md', 'CMakeLists.txt', 'binding.gyp']

function isExcused(lines) {
  return lines.slice(0, 5).some((line) => /over the size guide: \S/i.test(line))
}

/** Replaces comments, strings and character literals by blanks so that braces can be counted. */
function withoutText(source) {
  const pattern =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|R"(\w*)\([\s\S]*?\)\1"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.){1,2}'/g
  return source.replace(pattern, (text) => text.replace(/[^\n]/g, ' '))
}

/**
 * Bodies of C++ functions: a brace that follows a parameter list (with its trailing qualifiers) and is not that of a
 * control statement, an initialiser or a lambda inside another body.
 */
export function longFunctions(source, limit = functionLimit) {
  const text = withoutText(source)
  const found = []
  const opened = []
  let line = 1
  let start = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '\n') line += 1
    if (character === ';') start = at + 1
    if (character === '{') {
      const head = text.slice(start, at).replace(/\s+/g, ' ').trim()
      const isInside = opened.some((body) => body.name !== undefined)
      const name = isInside
        ? undefined
        : /([\w:~]+|operator\S+)\s*\([^;]*\)\s*(const|noexcept|override|final|->.*|:.*|\s)*$/.exec(head)?.[1]
      const isControl = /^(if|for|while|switch|catch)$/.test(name ?? '')
      opened.push({ name: isControl ? undefined : name, line })
      start = at + 1
    }
    if (character === '}') {
      const body = opened.pop()
      start = at + 1
      if (body?.name !== undefined && line - body.line + 1 > limit) {
        found.push({ name: body.name, line: body.line, length: line - body.line + 1 })
      }
    }
  }
  return found
}

function filesOf(root) {
  const files = rootFiles.filter((file) => existsSync(join(root, file)))
  for (const top of tops) {
    if (!existsSync(join(root, top))) continue
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      const file = relative(root, join(entry.parentPath ?? entry.path, entry.name))
      const isText = /\.(h|cpp|cc|cu|cuh|ts|mjs|py|md|sh)$/.test(file) || file.startsWith('scripts/')
      if (entry.isFile() && isText && !file.includes('__pycache__')) files.push(file)
    }
  }
  return files
}

/** Everything over its guide under `root`, as sentences, and how many files were read. */
export function checkSize(root) {
  const problems = []
  const files = filesOf(root)
  for (const file of files) {
    const source = readFileSync(join(root, file), 'utf8')
    const lines = source.replace(/\n$/, '').split('\n')
    const guide = guides.find(([pattern]) => pattern.test(file))?.[1] ?? Infinity
    if (lines.length > guide && !isExcused(lines)) {
      problems.push(
        `${file}: ${lines.length} lines, the guide is ${guide}: split it by idea, or say why in its head`,
      )
    }
    if (!/\.(md|json)$/.test(file)) {
      lines.forEach((line, index) => {
        if ([...line].length > columnLimit) problems.push(`${file}:${index + 1}: over ${columnLimit} columns`)
      })
    }
    if (/\.(h|cpp|cc|cu|cuh)$/.test(file) && !isExcused(lines)) {
      for (const body of longFunctions(source)) {
        problems.push(
          `${file}:${body.line}: ${body.name} has ${body.length} lines, the guide is ${functionLimit}`,
        )
      }
    }
  }
  return { problems, count: files.length }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
  const { problems, count } = checkSize(root)
  for (const problem of problems) console.error(problem)
  console.log(`sizes: ${count} files, ${problems.length} over their guide`)
  process.exitCode = problems.length > 0 || count === 0 ? 1 : 0
}
