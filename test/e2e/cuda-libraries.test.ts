// Which of CUDA's libraries are taken and which are passed over: libraries of our own that only say their version stand
// in for NVIDIA's, in processes of their own, as a library is looked for once a process.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { DoctorReport } from '../../lib/index.js'
import { gyrusWith, jsonLines } from '../support/cli.js'

const root = t.testdir({})

/** A folder with a libcudnn.so.9 that says it is `version`, made for `cudart`. */
function pretendedDnn(name: string, version: number, cudart: number): string {
  const folder = join(root, name)
  mkdirSync(folder)
  const source = join(folder, 'stub.c')
  writeFileSync(
    source,
    `#include <stddef.h>
     size_t cudnnGetVersion(void) { return ${version}; }
     size_t cudnnGetCudartVersion(void) { return ${cudart}; }\n`,
  )
  const library = join(folder, 'libcudnn.so.9')
  const options = ['-shared', '-fPIC', '-Wl,-soname,libcudnn.so.9', '-o', library, source]
  const { status, stderr } = spawnSync(process.env['CC'] ?? 'cc', options, { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  return folder
}

/** What doctor says of cuDNN where these folders are searched first. */
function searchIn(...folders: string[]): DoctorReport['cudaLibraries'][number] {
  const { status, stdout, stderr } = gyrusWith(
    { GYRUS_CUDA_LIBRARIES: folders.join(':') },
    'doctor',
    '--json',
  )
  t.equal(status, 0, stderr)
  const [report] = jsonLines(stdout) as unknown as DoctorReport[]
  const dnn = report?.cudaLibraries.find(({ name }) => name === 'libcudnn.so.9')
  if (dnn === undefined) throw new Error('doctor says nothing of cuDNN')
  return dnn
}

const old = pretendedDnn('old', 90501, 13000)
const other = pretendedDnn('other', 92000, 12080)
const right = pretendedDnn('right', 92000, 13010)

void t.test('a cuDNN that will do is taken', (t) => {
  const { path, problem } = searchIn(right)
  t.equal(path, join(right, 'libcudnn.so.9'))
  t.equal(problem, null)
  t.end()
})

void t.test("a cuDNN that is too old, and CUDA 12's, are passed over for a later folder's", (t) => {
  const { path, problem, searched } = searchIn(old, other, right)
  t.equal(path, join(right, 'libcudnn.so.9'))
  t.equal(problem, null)
  t.same(searched, [old, other, right])
  t.end()
})

void t.test('where none will do, it is said of each what was found and what is needed', (t) => {
  const { path, problem, searched } = searchIn(old, other)
  if (path !== null) {
    t.comment(`there is a cuDNN elsewhere: ${path}`)
    t.notOk(path.startsWith(root))
    t.end()
    return
  }
  t.match(problem, /old\/libcudnn\.so\.9 is cuDNN 9\.5\.1; 9\.10 or a later 9 is needed/)
  t.match(problem, /other\/libcudnn\.so\.9 is a cuDNN for CUDA 12; one for CUDA 13 is needed/)
  t.ok(searched.length > 2, 'the search went on')
  t.end()
})
