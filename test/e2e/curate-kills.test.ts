// `gyrus curate` killed at any moment and started again.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { cli, gyrus } from '../support/cli.js'
import { archive, digest } from '../support/curation.js'

/** Runs until `delay` ms have passed, then kills; true when it had ended by itself. */
async function runAndKill(delay: number, parameters: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [cli, ...parameters], { stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), delay)
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })
}

for (const [name, flags] of [
  ['shares', []],
  ['a total', ['--keep', '60']],
] as const) {
  void t.test(`20 kills leave the same bytes: ${name}`, async (t) => {
    const { root, out } = archive(t)
    const more = ['--size', '200', '--shard-rows', '9', ...flags]
    const start = performance.now()
    t.equal(gyrus('curate', root, '--out', `${out}-whole`, ...more).status, 0)
    const whole = performance.now() - start
    for (let kill = 0; kill < 20; kill += 1) {
      // From before the first volume to near the end, not in order.
      const delay = whole * (0.3 + 0.7 * ((kill * 0.618) % 1))
      const isDone = await runAndKill(delay, ['curate', root, '--out', out, ...more])
      if (isDone) {
        t.equal(digest(out), digest(`${out}-whole`), `done after ${kill} kills`)
        for (const left of readdirSync(out)) t.notMatch(left, /partial$/)
        await runAndKill(whole * 0.5, ['curate', root, '--out', out, ...more, '--overwrite'])
      }
    }
    const last = gyrus('curate', root, '--out', out, ...more)
    if (last.status !== 0) t.match(last.stderr, /finished run/)
    t.equal(digest(out), digest(`${out}-whole`))
  })
}
