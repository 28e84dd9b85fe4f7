// scripts/check-size.mjs finds files, functions and lines over their guide, and accepts a reason in a file's head.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

function check(root: string, path: string, text: string) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  return spawnSync(process.execPath, ['scripts/check-size.mjs', root], { encoding: 'utf8' })
}

/** A C++ function of exactly `lines` lines, inside a namespace, with braces in text that must not count. */
function cppFunction(lines: number) {
  const body = Array.from({ length: lines - 2 }, (_, i) => `  use("{", '{', ${String(i)});  // {`)
  return ['namespace a {', 'void Thing::run(int x) const {', ...body, '}', '}', ''].join('\n')
}

void t.test('files at their guide pass, one line more fails', (t) => {
  const line = 'int x;\n'
  t.equal(check(t.testdir(), 'native/core/a.h', line.repeat(200)).status, 0)
  const { status, stderr } = check(t.testdir(), 'native/core/a.h', line.repeat(201))
  t.equal(status, 1)
  t.match(stderr, 'native/core/a.h: 201 lines, the guide is 200')
  t.match(check(t.testdir(), 'native/core/a.cpp', line.repeat(401)).stderr, 'the guide is 400')
  t.match(check(t.testdir(), 'lib/a.ts', line.repeat(301)).stderr, 'the guide is 300')
  t.end()
})

void t.test('a reason in the head excuses a file', (t) => {
  const text = '// Over the size guide: one table, one row an op.\n' + 'int x;\n'.repeat(300)
  t.equal(check(t.testdir(), 'native/core/a.h', text).status, 0)
  t.end()
})

void t.test('functions at their guide pass, one line more fails', (t) => {
  t.equal(check(t.testdir(), 'native/core/a.cpp', cppFunction(60)).status, 0)
  const { status, stderr } = check(t.testdir(), 'native/core/a.cpp', cppFunction(61))
  t.equal(status, 1)
  t.match(stderr, 'native/core/a.cpp:2: Thing::run has 61 lines')
  t.end()
})

void t.test('overlong lines fail, except in prose', (t) => {
  const long = `// ${'x'.repeat(118)}\n`
  t.match(check(t.testdir(), 'native/core/a.h', long).stderr, 'native/core/a.h:1: over 120 columns')
  t.equal(check(t.testdir(), 'README.md', long).status, 0)
  t.end()
})

void t.test('a tree without files is a failure, not a success', (t) => {
  const root = t.testdir()
  const { status } = spawnSync(process.execPath, ['scripts/check-size.mjs', root], { encoding: 'utf8' })
  t.equal(status, 1)
  t.end()
})
