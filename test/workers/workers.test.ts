// Worker threads and exits: the addon lives in any number of them, and ending one at any moment crashes nothing.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

t.setTimeout(300_000)

function run(fixture: string, ...parameters: string[]) {
  const file = fileURLToPath(new URL(fixture, import.meta.url))
  return spawnSync(process.execPath, [file, ...parameters], { encoding: 'utf8', timeout: 200_000 })
}

function checkWorkers(t: Test, count: number, ending: string): void {
  const { status, signal, stdout, stderr } = run('many-workers.js', String(count), ending)
  t.equal(signal, null, 'no crash')
  t.equal(status, 0, stderr)
  t.same(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), { endings: count, hostBytes: 0 })
  t.end()
}

void t.test('200 workers terminated mid-step', (t) => {
  checkWorkers(t, 200, 'terminated')
})
for (const ending of ['process.exit', 'throw', 'finish']) {
  void t.test(`20 workers that end by ${ending} mid-step`, (t) => {
    checkWorkers(t, 20, ending)
  })
}

// Several times each: what a dying process tears down first is a matter of luck.
const exits = 8

for (const how of ['process.exit mid-step', 'process.exit while opening']) {
  void t.test(how, (t) => {
    for (let count = 0; count < exits; count++) {
      const { status, signal, stdout } = run('exit-mid-step.js', how)
      t.equal(signal, null, 'no crash')
      t.equal(status, 7)
      t.match(stdout, 'exiting')
    }
    t.end()
  })
}

void t.test('an uncaught exception mid-step', (t) => {
  for (let count = 0; count < exits; count++) {
    const { status, signal, stderr } = run('exit-mid-step.js', 'throw')
    t.equal(signal, null, 'no crash')
    t.equal(status, 1)
    t.match(stderr, 'on purpose')
  }
  t.end()
})

void t.test('an idle trainer does not keep the process alive', (t) => {
  const { status, signal, stdout } = run('exit-mid-step.js', 'idle')
  t.equal(signal, null)
  t.equal(status, 0)
  t.match(stdout, 'fulfilled fulfilled\nexiting')
  t.end()
})

void t.test('a pending step does', (t) => {
  const { status, signal, stdout } = run('exit-mid-step.js', 'pending')
  t.equal(signal, null)
  t.equal(status, 0)
  t.match(stdout, 'settled\nexiting')
  t.end()
})
