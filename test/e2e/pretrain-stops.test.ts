// Pretraining that is stopped, or ends, where that must not change what the run leaves: between two probes, and while
// the embeddings look collapsed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pretrain } from '../../lib/index.js'
import { config, consume, consumeUntil, digest, folders, writeLabels } from '../support/pretrain.js'
import { rejection } from '../support/rejection.js'

const linesOf = (out: string): string[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8').trimEnd().split('\n')

void t.test('a stop between two probes leaves no probe behind', async (t) => {
  const { data, out } = folders(t)
  const probed = { ...config, data, probe: { labels: writeLabels(data) } }
  await consume(pretrain({ ...probed, out: `${out}-whole` }))
  const run = (signal: AbortSignal) => pretrain({ ...probed, out }, { signal })
  await rejection(t, consumeUntil(5, run), 'ERR_GYRUS_ABORTED')
  await consume(pretrain({ ...probed, out }, { resume: true }))
  t.same(linesOf(out), linesOf(`${out}-whole`))
  t.equal(digest(out), digest(`${out}-whole`))
  t.same(
    linesOf(out).flatMap((line, at) => (line.includes('"probe"') ? [at + 1] : [])),
    [4, 8, 12],
  )
})
