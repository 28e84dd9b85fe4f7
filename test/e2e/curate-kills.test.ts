// `gyrus curate` killed at any moment and started again.
import { readdirSync } from 'node:fs'
import t from 'tap'
import { gyrus, gyrusKilled } from '../support/cli.js'
import { archive, digest } from '../support/curation.js'

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
      const isDone = await gyrusKilled(delay, 'curate', root, '--out', out, ...more)
      if (isDone) {
        t.equal(digest(out), digest(`${out}-whole`), `done after ${kill} kills`)
        for (const left of readdirSync(out)) t.notMatch(left, /partial$/)
        await gyrusKilled(whole * 0.5, 'curate', root, '--out', out, ...more, '--overwrite')
      }
    }
    const last = gyrus('curate', root, '--out', out, ...more)
    if (last.status !== 0) t.match(last.stderr, /finished run/)
    t.equal(digest(out), digest(`${out}-whole`))
  })
}
