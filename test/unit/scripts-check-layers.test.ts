// scripts/check-layers.mjs accepts the right arrows and names both files of a wrong one.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

/** Runs the script over a small tree: path -> text. */
function check(root: string, files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return spawnSync(process.execPath, ['scripts/check-layers.mjs', root], { encoding: 'utf8' })
}

void t.test('arrows that point upwards pass', (t) => {
  const { status, stdout, stderr } = check(t.testdir(), {
    'native/core/shape.h': '#include <memory>\n',
    'native/memory/plan.h': '#include "core/shape.h"\n',
    'native/graph/graph.h': '#include "core/shape.h"\n',
    'native/backend/cpu/dnnl/conv.cpp': '#include <dnnl.hpp>\n#include "graph/graph.h"\n',
    'lib/errors.ts': 'export const a = 1\n',
    'lib/native.ts': "import { a } from './errors.js'\nexport { a }\n",
    'lib/cli/main.ts': "import { a } from '../native.js'\nvoid a\n",
  })
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(stdout, '7 files, 0 wrong arrows')
  t.end()
})

const wrong: [name: string, files: Record<string, string>, expected: string][] = [
  [
    'a lower room including a higher one',
    { 'native/core/a.h': '#include "graph/b.h"\n', 'native/graph/b.h': '' },
    'native/core/a.h reaches native/graph/b.h: native/core may not depend on native/graph',
  ],
  [
    'a backend including its sibling',
    { 'native/backend/cpu/a.cpp': '#include "backend/reference/b.h"\n', 'native/backend/reference/b.h': '' },
    'native/backend/cpu/a.cpp reaches native/backend/reference/b.h',
  ],
  [
    "a library's header outside its room",
    { 'native/runtime/a.cpp': '#include <oneapi/dnnl/dnnl.hpp>\n' },
    'native/runtime/a.cpp includes <oneapi/dnnl/dnnl.hpp>: only native/backend/cpu/dnnl',
  ],
  [
    'napi.h outside the binding',
    { 'native/train/a.cpp': '#include <napi.h>\n' },
    'native/train/a.cpp includes <napi.h>: only native/binding may',
  ],
  [
    'the engine reaching into its tests',
    { 'native/nn/a.cpp': '#include "tests/harness/b.h"\n', 'native/tests/harness/b.h': '' },
    'nothing outside native/tests may',
  ],
  [
    'the library importing the command line',
    { 'lib/encoder.ts': "import { run } from './cli/main.js'\nvoid run\n", 'lib/cli/main.ts': '' },
    'lib/encoder.ts reaches lib/cli/main.ts: nothing outside lib/cli may',
  ],
  ['a folder in no room', { 'native/stray/a.cpp': '' }, 'native/stray/a.cpp is in no room'],
]

for (const [name, files, expected] of wrong) {
  void t.test(name, (t) => {
    const { status, stderr } = check(t.testdir(), files)
    t.equal(status, 1)
    t.match(stderr, expected)
    t.end()
  })
}

void t.test('a tree without files is a failure, not a success', (t) => {
  t.equal(check(t.testdir(), {}).status, 1)
  t.end()
})
