// The runner of test files: what they counted is added up, and one that dies is a failure.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const runner = fileURLToPath(new URL('../../../scripts/run-tap.mjs', import.meta.url)) // from dist/test/unit/

function run(...files: string[]) {
  const { status, stdout } = spawnSync(process.execPath, [runner, '--jobs', '2', ...files], {
    encoding: 'utf8',
  })
  return { status, stdout, last: stdout.trimEnd().split('\n').at(-1) }
}

void t.test('files are counted together', (t) => {
  const folder = t.testdir()
  const write = (name: string, body: string): string => {
    const path = join(folder, name)
    writeFileSync(path, body)
    return path
  }
  const good = write('good.mjs', 'console.log("ok 1 - fine\\n# { total: 2, pass: 2 }")')
  const partly = write(
    'partly.mjs',
    'console.log("# { total: 3, pass: 1, fail: 1, skip: 1 }"); process.exitCode = 1',
  )
  const dying = write('dying.mjs', 'process.kill(process.pid, "SIGKILL")')
  const silent = write('silent.mjs', '')

  t.match(run(good, good), { status: 0, last: '# { total: 4, pass: 4 }' })
  t.match(run(good, partly), { status: 1, last: '# { total: 5, pass: 3, fail: 1, skip: 1 }' })
  const { status, stdout, last } = run(good, dying, silent)
  t.match({ status, last }, { status: 1, last: '# { total: 4, pass: 2, fail: 2 }' })
  t.match(stdout, /dying\.mjs: exit status SIGKILL/)
  t.match(stdout, /^not ok \d+ - .*silent\.mjs/m)
  t.match(stdout, /^ {4}ok 1 - fine$/m)
  t.end()
})
