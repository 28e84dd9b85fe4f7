// `gyrus curate` where something goes wrong: bad files, full disks, cancelling, two runs in one folder.
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { curate, type CurateEvent } from '../../lib/index.js'
import { gyrus, gyrusAsNobody, gyrusWithFileLimit, jsonLines } from '../support/cli.js'
import { archive, digest, manifest, shape, shard, volumes } from '../support/curation.js'
import { headerBytes } from '../../lib/slices/shard-writer.js'
import { latin1Path } from '../support/files.js'
import { drawBall, writeNifti } from '../support/nifti.js'
import { rejection } from '../support/rejection.js'

void t.test('unreadable files are recorded, and the run goes on', async (t) => {
  const { root, out } = archive(t)
  writeFileSync(join(root, 'IXI-T1', 'IXI003-HH-13-T1.nii.gz'), 'no gzip at all')
  const { status, stdout, stderr } = gyrus('curate', root, '--out', out, '--size', '32', '--json')
  t.equal(status, 1, 'the exit code says so')
  const events = jsonLines(stdout)
  t.match(
    events.find(({ event }) => event === 'unreadable'),
    { code: 'ERR_GYRUS_FILE_FORMAT', path: /IXI003/ },
  )
  t.match(events.at(-1), { event: 'done', volumes: 12, unreadable: 1, considered: 11 * 32 }, stderr)
  const [row, ...others] = (await manifest(out)).filter(({ reason }) => reason === 'unreadable')
  t.same(others, [])
  t.match(row, {
    subject: 'IXI003',
    kept: false,
    index: null,
    detail: /ERR_GYRUS_FILE_FORMAT.*IXI003-HH-13-T1\.nii\.gz/,
  })
})

void t.test('what is left out is named, and a folder that cannot be listed fails the run', (t) => {
  const { root, out } = archive(t)
  const closed = join(root, 'closed')
  mkdirSync(closed)
  writeFileSync(join(root, 'other.nii.gz'), '')
  writeFileSync(join(root, 'IXI-T1', 'IXI000-HH-10-MRA.nii.gz'), '')
  symlinkSync('nowhere', join(root, 'IXI-T1', 'gone.nii.gz'))
  mkdirSync(out)
  chmodSync(out, 0o777)
  chmodSync(closed, 0)
  const run = gyrusAsNobody('curate', root, '--out', out, '--size', '16')
  chmodSync(closed, 0o700)
  if (run.error !== undefined || /EACCES|MODULE_NOT_FOUND/.test(run.stderr)) {
    t.pass(`no other user may run this: ${run.stderr}`, { skip: true })
    t.end()
    return
  }
  t.equal(run.status, 1, run.stderr)
  t.match(run.stderr, /left out: the folder .*closed cannot be listed/)
  for (const reason of ['unreadable-folder', 'broken-link', 'unrecognised', 'not-anatomical'])
    t.match(run.stdout, new RegExp(`${reason} +1`))
  t.match(run.stdout, /skipped\.jsonl/)
  const skipped = jsonLines(readFileSync(join(out, 'skipped.jsonl'), 'utf8'))
  t.same(
    skipped.map(({ path, reason }) => `${String(path)} ${String(reason)}`),
    [
      'closed unreadable-folder',
      'IXI-T1/gone.nii.gz broken-link',
      'other.nii.gz unrecognised',
      'IXI-T1/IXI000-HH-10-MRA.nii.gz not-anatomical',
    ],
  )
  t.ok(skipped.every((line) => line['root'] === root && line['dataset'] === 'ixi'))
  const summary = JSON.parse(readFileSync(join(out, 'curation.json'), 'utf8')) as { skippedFiles: object }
  t.match(summary.skippedFiles, { 'unreadable-folder': 1, 'broken-link': 1 })
  t.end()
})

void t.test('names that are not UTF-8: the run goes on, says which, and has failed', async (t) => {
  const { root, out } = archive(t)
  const inBytes = (path: string): Buffer => latin1Path(root, path)
  const good = join(root, 'IXI-T1', 'IXI003-HH-13-T1.nii.gz')
  copyFileSync(good, inBytes('IXI-T1/IXI900-HH-\xff-T1.nii.gz'))
  mkdirSync(inBytes('IXI-\xc4rzte'))
  copyFileSync(good, inBytes('IXI-\xc4rzte/IXI901-HH-90-T1.nii.gz'))
  const { status, stdout, stderr } = gyrus('curate', root, '--out', out, '--size', '16')
  t.equal(status, 1, 'the exit code says so')
  t.match(stderr, /left out: \S+\/IXI-\ufffdrzte has a name that is not UTF-8.*: rename it/)
  t.match(stderr, /left out: \S+IXI900-HH-\ufffd-T1\.nii\.gz has a name that is not UTF-8.*: rename it/)
  t.match(stdout, /of 12 volumes[^]*name-not-utf8 +2/)
  const skipped = jsonLines(readFileSync(join(out, 'skipped.jsonl'), 'utf8'))
  t.same(
    skipped.map(({ path, reason }) => [path, reason]),
    [
      ['IXI-T1/IXI900-HH-\ufffd-T1.nii.gz', 'name-not-utf8'],
      ['IXI-\ufffdrzte', 'name-not-utf8'],
    ],
  )
  t.equal((await manifest(out)).filter(({ reason }) => reason === 'unreadable').length, 0)
})

void t.test('a total, when volumes are gone or others by the time their slices are cut out', async (t) => {
  const { root, out } = archive(t)
  const [gone, other] = [3, 5].map((i) => join(root, 'IXI-T1', `IXI00${i}-HH-1${i}-T1.nii.gz`)) as [
    string,
    string,
  ]
  const settings = { roots: [root], out, keep: 48, size: 16, threads: 2 }
  const before = readFileSync(other)
  const controller = new AbortController()
  const lost: string[] = []
  const run = async (signal: AbortSignal): Promise<CurateEvent | undefined> => {
    let last: CurateEvent | undefined
    for await (const event of curate({ ...settings, position: [0, 1] }, { signal })) {
      if (event.type === 'progress' && event.phase === 'scan' && event.done === volumes) {
        renameSync(gone, `${gone}-away`)
        writeNifti(other, shape, drawBall(shape, 99))
      }
      if (event.type === 'unreadable') lost.push(event.path)
      if (event.type === 'progress' && event.phase === 'extract' && event.done === 8) controller.abort()
      last = event
    }
    return last
  }
  await t.rejects(run(controller.signal), { code: 'ERR_GYRUS_ABORTED' })
  // Continued: what is known to be lost stays lost.
  renameSync(`${gone}-away`, gone)
  writeFileSync(other, before)
  const done = await run(new AbortController().signal)
  t.match(done, { type: 'done', volumes, unreadable: 2 })
  t.same(lost.map((path) => path.slice(7, 13)).sort(), ['IXI003', 'IXI005'])
  const rows = await manifest(out)
  const unreadable = rows.filter(({ reason }) => reason === 'unreadable')
  t.match(unreadable, [{ detail: /FILE_NOT_FOUND/ }, { detail: /changed since it was measured/ }])
  const kept = rows.filter((row) => row['kept'])
  t.equal(kept.length, shard(out, 'slices-00000.npy').rows, 'the manifest numbers what is in the shard')
  t.equal(kept.length, done?.type === 'done' ? done.kept : undefined)
  t.ok(kept.length < 48 && kept.length > 30, String(kept.length))
})

void t.test('a full disk: a typed error, and the rest when there is room', (t) => {
  const { root, out } = archive(t)
  const parameters = ['curate', root, '--out', out, '--size', '128', '--shard-rows', '64']
  const { status, stderr } = gyrusWithFileLimit(400, ...parameters)
  t.equal(status, 1)
  t.match(stderr, /ERR_GYRUS_FILE_IO/)
  t.match(stderr, out)
  t.equal(gyrus(...parameters).status, 0)
  t.equal(gyrus('curate', root, '--out', `${out}-whole`, '--size', '128', '--shard-rows', '64').status, 0)
  t.equal(digest(out), digest(`${out}-whole`))
  t.end()
})

void t.test('after a power loss the shards may be shorter than the journal says', async (t) => {
  const { root, out } = archive(t)
  const settings = { roots: [root], out, size: 32, shardRows: 9 }
  for await (const event of curate({ ...settings, out: `${out}-whole` })) t.ok(event.type)
  const rowBytes = 32 * 32 * 2
  for (const [name, bytes] of [
    ['slices-00002.npy', headerBytes + 3.5 * rowBytes],
    ['slices-00002.npy', 0],
    ['slices-00001.npy', headerBytes + 7.25 * rowBytes],
    ['journal.jsonl.partial', undefined],
  ] as const) {
    const controller = new AbortController()
    const run = async (): Promise<void> => {
      for await (const event of curate(settings, { signal: controller.signal })) {
        if (event.type === 'progress' && event.done === 6) controller.abort()
      }
    }
    await t.rejects(run(), { code: 'ERR_GYRUS_ABORTED' })
    if (bytes === undefined) appendFileSync(join(out, name), `${'\0'.repeat(100)}\n`)
    else truncateSync(join(out, readdirSync(out).find((one) => one.startsWith(name)) ?? name), bytes)
    for await (const event of curate(settings)) t.ok(event.type)
    t.equal(digest(out), digest(`${out}-whole`), `${name} cut to ${bytes}`)
    rmSync(out, { recursive: true })
  }
})

void t.test('cancelling and continuing', async (t) => {
  const { root, out } = archive(t)
  const controller = new AbortController()
  const settings = { roots: [root], out, size: 64 }
  const run = async (): Promise<void> => {
    for await (const event of curate(settings, { signal: controller.signal })) {
      if (event.type === 'progress' && event.done === 3) controller.abort()
    }
  }
  await t.rejects(run(), { name: 'GyrusError', code: 'ERR_GYRUS_ABORTED', cause: { name: 'AbortError' } })
  for await (const event of curate(settings)) {
    if (event.type === 'start') t.ok(event.resumed >= 3 && event.resumed < volumes, String(event.resumed))
  }
  for await (const event of curate({ ...settings, out: `${out}-whole`, threads: 1 })) t.ok(event.type)
  t.equal(digest(out), digest(`${out}-whole`), 'whatever the number of threads')
})

void t.test('a folder belongs to one run at a time', async (t) => {
  const { root, out } = archive(t)
  const settings = { roots: [root], out, size: 64 }
  const first = curate(settings)
  t.match(await first.next(), { value: { type: 'start' } })
  const error = await rejection(t, curate(settings).next(), 'ERR_GYRUS_BUSY')
  t.match(error.message, out)
  const { status, stderr } = gyrus('curate', root, '--out', out, '--size', '64', '--overwrite')
  t.equal(status, 1)
  t.match(stderr, /in use by another run/)
  await first.return(undefined)
  for await (const event of curate(settings)) t.ok(event.type)
  t.notOk(readdirSync(out).includes('run.lock'), 'it is given back at the end')
})

void t.test('where no folder can be made, it says so at once', async (t) => {
  const { root } = archive(t)
  for (const out of ['/proc/gyrus', '/proc/gyrus/deep/er', '/dev/null', '/dev/null/gyrus']) {
    const run = curate({ roots: [root], out })
    const error = await rejection(t, run.next(), 'ERR_GYRUS_FILE_IO')
    t.match(error.message, `cannot write ${out}`)
  }
})
