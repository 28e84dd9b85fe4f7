// What a run writes, seen from outside: TensorBoard's events by a reader of their own, and a file system that is full.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pretrain } from '../../lib/index.js'
import { gyrus, jsonLines } from '../support/cli.js'
import { readEvents, type ScalarEvent } from '../support/event-records.js'
import { config, consume, consumeUntil, digest, folders } from '../support/pretrain.js'
import { rejection } from '../support/rejection.js'

const eventFiles = (out: string): ScalarEvent[][] =>
  readdirSync(out)
    .filter((name) => name.startsWith('events.out.tfevents.'))
    .map((name) => readEvents(readFileSync(join(out, name))))

void t.test("TensorBoard's events hold what metrics.jsonl holds", async (t) => {
  const { data, out } = folders(t)
  const run = { ...config, data, out, healthEvery: 4 }
  await rejection(
    t,
    consumeUntil(5, (signal) => pretrain(run, { signal })),
    'ERR_GYRUS_ABORTED',
  )
  await consume(pretrain(run, { resume: true }))
  const files = eventFiles(out)
  t.ok(files.every(([first]) => first?.version === 'brain.Event:2'))
  const metrics = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8'))
  const scalars = new Map(
    files.flat().flatMap((event) => (event.values.size > 0 ? [[event.step, event] as const] : [])),
  )
  t.equal(scalars.size, metrics.length)
  for (const { step, loss, top1, lr, momentum, health } of metrics) {
    const { values, wallTime } = scalars.get(Number(step)) ?? {
      values: new Map<string, number>(),
      wallTime: 0,
    }
    t.ok(Math.abs(wallTime - Date.now() / 1000) < 3600, 'seconds since 1970')
    const wanted: Record<string, unknown> = {
      'train/loss': loss,
      'train/top1': top1,
      'schedule/lr': lr,
      'schedule/momentum': momentum,
      ...Object.fromEntries(
        Object.entries(health ?? {}).map(([name, value]) => [`embeddings/${name}`, value]),
      ),
    }
    const tags = [...Object.keys(wanted), 'speed/pairs_per_second', 'speed/data_wait'].sort()
    t.same([...values.keys()].sort(), tags, `the tags of step ${String(step)}`)
    for (const [tag, value] of Object.entries(wanted))
      t.equal(values.get(tag), Math.fround(Number(value)), tag)
  }
})

/** Bytes of all files below a folder. */
function bytesBelow(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0)
}

const mount = (...parameters: string[]): boolean => spawnSync('mount', parameters).status === 0

const place = t.testdir()
const canMount = mount('-t', 'tmpfs', '-o', 'size=64k', 'gyrus-test', place)
if (canMount) spawnSync('umount', [place])
const skip = canMount ? false : 'this process may not mount file systems'

void t.test('a file system that is full', { skip }, async (t) => {
  const { data, out } = folders(t)
  await consume(pretrain({ ...config, data, out: `${out}-whole` }))
  const first = `${out}-first`
  await consume(pretrain({ ...config, data, out: first, steps: 4 }))
  // Room for the first checkpoint, and for half of the second one.
  const room = Math.ceil(1.5 * bytesBelow(first))
  mkdirSync(out)
  t.ok(mount('-t', 'tmpfs', '-o', `size=${room}`, 'gyrus-test', out))
  try {
    const run = join(out, 'run')
    const flags = ['pretrain', '--data', data, '--out', run, '--preset', config.preset, '--image-size', '32']
    const more = ['--batch-size', '8', '--steps', '12', '--threads', '1', '--save-every', '4']
    const { status, stderr } = gyrus(...flags, ...more)
    t.equal(status, 1)
    t.match(stderr, /ERR_GYRUS_FILE_IO/)
    t.match(stderr, /step-00000008/, 'it says what could not be written')
    t.same(
      readdirSync(join(run, 'checkpoints')),
      ['step-00000004'],
      'the one before is there, and no half one',
    )
    t.equal(readFileSync(join(run, 'latest'), 'utf8'), 'checkpoints/step-00000004\n')
    t.ok(mount('-o', `remount,size=${4 * room}`, out))
    const continued = gyrus(...flags, ...more, '--resume')
    t.equal(continued.status, 0, continued.stderr)
    t.equal(digest(run), digest(`${out}-whole`))
  } finally {
    spawnSync('umount', [out])
  }
})
