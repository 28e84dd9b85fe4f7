// `gyrus curate` from archives to shards and manifest: contents, report, choices.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { curate, readVolume, type CurateEvent } from '../../lib/index.js'
import { takeSections } from '../../lib/report/section.js'
import { gyrus } from '../support/cli.js'
import { readCurated } from '../../lib/slices/curated.js'
import { archive, digest, manifest, shape, shard, volumes } from '../support/curation.js'
import { writeNpy } from '../support/files.js'
import { drawBall, writeNifti } from '../support/nifti.js'
import { rejection } from '../support/rejection.js'

void t.test('shards hold what the manifest says', async (t) => {
  const { root, out } = archive(t)
  const { status, stdout, stderr } = gyrus('curate', root, '--out', out, '--size', '36', '--shard-rows', '20')
  t.equal(status, 0, stderr)
  t.match(stdout, /kept 48 of 384 slices \(12\.5 %\) of 12 volumes/)
  t.same(readdirSync(out).sort(), [
    'curation.json',
    'manifest.parquet',
    'report.html',
    'skipped.jsonl',
    'slices-00000.npy',
    'slices-00001.npy',
    'slices-00002.npy',
  ])
  const rows = await manifest(out)
  t.equal(rows.length, volumes * shape[2])
  const kept = rows.filter((row) => row['kept'])
  t.equal(kept.length, 48)
  t.same(
    kept.slice(18, 22).map((row) => [row['shard'], row['row']]),
    [
      ['slices-00000.npy', 18],
      ['slices-00000.npy', 19],
      ['slices-00001.npy', 0],
      ['slices-00001.npy', 1],
    ],
  )
  t.ok(rows.every((row) => row['dataset'] === 'ixi' && row['contrast'] === 't1' && row['session'] === 'HH'))
  t.ok(
    rows.every(
      (row) => row['kept'] === (row['reason'] === 'kept') && row['kept'] === (row['shard'] !== null),
    ),
  )

  const first = kept[25] ?? {}
  const source = readFileSync(join(root, String(first['source_path'])))
  t.equal(first['volume_sha256'], createHash('sha256').update(source).digest('hex'))
  const { data } = await readVolume(join(root, String(first['source_path'])))
  const { rows: count, size, pixels } = shard(out, String(first['shard']))
  t.equal(count, 20)
  t.equal(size, 36)
  // 40 x 36 pixels into 36 x 36: compare the mean over the slice, which resampling keeps.
  const [low, high] = [Number(first['scale_lo']), Number(first['scale_hi'])]
  const row = pixels.subarray(Number(first['row']) * size ** 2, (Number(first['row']) + 1) * size ** 2)
  const plane = data.subarray(Number(first['index']) * 1440, (Number(first['index']) + 1) * 1440)
  const clipped = plane.map((value) => Math.min(Math.max(value, low), high) - low)
  const sumOf = (values: ArrayLike<number>): number =>
    Array.from(values).reduce((sum, value) => sum + value, 0)
  const found = (sumOf(row) * (high - low)) / 65535 / 36 ** 2
  const wanted = sumOf(clipped) / 40 ** 2
  t.ok(Math.abs(found / wanted - 1) < 0.02, `${found} against ${wanted}`)
})

void t.test('a shard is the slice itself where size and spacing agree', async (t) => {
  const folder = t.testdir()
  const cube = [32, 32, 16] as const
  writeNifti(join(folder, 'in', 'x.nii'), cube, drawBall(cube, 5))
  const settings = { roots: [join(folder, 'in')], out: join(folder, 'out'), size: 32, keepFraction: 1 }
  for await (const event of curate({ ...settings, position: [0, 1], entropyMin: 0 })) t.ok(event.type)
  const { data } = await readVolume(join(folder, 'in', 'x.nii'))
  const rows = await manifest(settings.out)
  const { pixels } = shard(settings.out, 'slices-00000.npy')
  const [low, high] = [Number(rows[0]?.['scale_lo']), Number(rows[0]?.['scale_hi'])]
  const wanted = Uint16Array.from({ length: 32 * 32 * 16 }, (_, at) => {
    const [x, y, z] = [at % 32, 31 - (Math.floor(at / 32) % 32), Math.floor(at / 1024)]
    const value = ((data[x + 32 * (y + 32 * z)] ?? NaN) - low) / (high - low)
    return Math.round(Math.min(Math.max(value, 0), 1) * 65535)
  })
  t.same(pixels, wanted, 'rows run from the front, columns from the left')
  // Entropy again, from the definition.
  for (const { index, entropy } of rows as { index: number; entropy: number }[]) {
    const counts = new Map<number, number>()
    for (const value of data.subarray(index * 1024, (index + 1) * 1024)) {
      const grey = Math.floor(Math.min(Math.max(((value - low) / (high - low)) * 255, 0), 255))
      counts.set(grey, (counts.get(grey) ?? 0) + 1)
    }
    const bits = [...counts.values()].reduce((sum, n) => sum - (n / 1024) * Math.log2(n / 1024), 0)
    t.ok(Math.abs(bits - entropy) < 1e-9, `slice ${index}: ${entropy} against ${bits}`)
  }
})

void t.test('the report stands alone and shows both sides of the thresholds', async (t) => {
  const folder = t.testdir()
  const root = join(folder, 'in')
  writeNifti(join(root, '<img src=x> & co.nii'), shape, drawBall(shape, 3))
  writeNifti(join(root, 'b.nii'), shape, drawBall(shape, 4))
  writeFileSync(join(root, '<i>.nii'), 'not a volume')
  const out = join(folder, 'out')
  for await (const event of curate({ roots: [root], out, size: 32, entropyMin: 2 })) t.ok(event.type)
  const page = readFileSync(join(out, 'report.html'), 'utf8')
  t.equal(takeSections(page, ['by-dataset', 'near-thresholds']).length, 2, 'which the demo shows again')
  t.match(page, /8 of 64 slices kept/)
  t.notMatch(page, /<img src=x>|<i>/, 'names of files are text')
  t.match(page, /&lt;img src=x&gt; &amp; co\.nii/)
  t.match(page, /&lt;i&gt;\.nii.*ERR_GYRUS_FILE_FORMAT/s)
  t.notMatch(page, /(src|href)="(?!data:)/, 'nothing is fetched')
  t.equal(page.match(/<svg/g)?.length, 3)
  // Of each volume a slice on either side of the position window, and of the share.
  for (const [threshold, fates] of [
    ['position', 4],
    ['quota', 4],
  ] as const) {
    const section = page.slice(page.indexOf(`<code>${threshold}</code></h3>`)).split('</section>')[0] ?? ''
    t.equal(section.match(/<img/g)?.length, fates, threshold)
  }
  const pictures = [...page.matchAll(/data:image\/png;base64,([^"]+)"/g)].map(([, data = '']) => data)
  for (const data of pictures) t.equal(Buffer.from(data, 'base64').toString('latin1', 1, 4), 'PNG')
  t.ok(new Set(pictures).size > 4, 'different ones')
})

void t.test('a total with quotas, in two passes', async (t) => {
  const { root, out } = archive(t)
  const events: CurateEvent[] = []
  for await (const event of curate({ roots: [root], out, keep: 50, size: 16, shardRows: 7 }))
    events.push(event)
  t.match(events.at(-1), { type: 'done', kept: 50 })
  t.ok(events.some((event) => event.type === 'progress' && event.phase === 'extract'))
  const kept = (await manifest(out)).filter((row) => row['kept'])
  t.equal(kept.length, 50)
  t.equal(readdirSync(out).filter((name) => name.startsWith('slices-')).length, 8)
  t.equal(shard(out, 'slices-00007.npy').rows, 1)
})

void t.test('wrong use', async (t) => {
  const { root, out } = archive(t)
  const run = (more: object) => curate({ roots: [root], out, ...more }).next()
  await rejection(t, run({ entropyMin: 9 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'RangeError')
  await rejection(t, run({ position: [0.8, 0.2] }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')
  t.match(
    (await rejection(t, run({ entropymin: 1 }), 'ERR_GYRUS_INVALID_ARGUMENT', 'TypeError')).message,
    /entropyMin/,
  )
  await rejection(t, run({ roots: [join(root, 'none')] }), 'ERR_GYRUS_FILE_NOT_FOUND')
  mkdirSync(join(root, 'empty'))
  await rejection(t, run({ roots: [join(root, 'empty')] }), 'ERR_GYRUS_FILE_NOT_FOUND')
  t.equal(gyrus('curate', root).status, 2)
  t.equal(gyrus('curate', root, '--out', out, '--position', '1').status, 2)
  t.equal(gyrus('curate', root, '--out', out, '--size', '16').status, 0)
  const again = gyrus('curate', root, '--out', out, '--size', '16')
  t.equal(again.status, 1)
  t.match(again.stderr, /finished run.*overwrite/)
  t.equal(gyrus('curate', root, '--out', out, '--size', '16', '--overwrite').status, 0)
})

void t.test('the manifest tells roots with the same paths apart', async (t) => {
  const folder = t.testdir()
  const roots = ['first', 'second'].map((name) => join(folder, name))
  for (const [at, root] of roots.entries())
    writeNifti(join(root, 'IXI001-HH-10-T1.nii'), shape, drawBall(shape, at + 1))
  const out = join(folder, 'out')
  for await (const event of curate({ roots: [...roots, folder], out, size: 16 })) t.ok(event.type)
  const volumes = new Set(
    (await manifest(out)).map((row) => `${String(row['root'])} ${String(row['source_path'])}`),
  )
  t.same(
    [...volumes],
    roots.map((root) => `${root} IXI001-HH-10-T1.nii`),
    'and a file of a root within another counts once',
  )
  const { facts } = await readCurated(out)
  t.same([...new Set(facts.root)], roots)
})

void t.test("a folder's images are chosen among together, whenever the run was interrupted", async (t) => {
  const folder = t.testdir()
  const root = join(folder, 'in')
  for (const subject of ['a', 'b']) mkdirSync(join(root, subject), { recursive: true })
  // Of 2 to 41 grey levels, in no order.
  const levelsOf = (image: number): number => 2 + ((image * 17) % 40)
  for (let image = 0; image < 40; image += 1) {
    const pixels = drawBall([20, 20, 3], image + 1).map((value) => value % levelsOf(image))
    await sharp(
      Uint8Array.from(pixels.subarray(400, 800), (level) => 5 * level),
      { raw: { width: 20, height: 20, channels: 1 } },
    )
      .png()
      .toFile(join(root, image < 30 ? 'a' : 'b', `image${String(image).padStart(2, '0')}.png`))
  }
  writeFileSync(join(root, 'a', 'image05.png'), 'no image')
  const settings = { roots: [root], size: 16, keepFraction: 0.25, entropyMin: 0 }
  const whole = join(folder, 'whole')
  for await (const event of curate({ ...settings, out: whole })) t.ok(event.type)
  const rows = await manifest(whole)
  t.equal(rows.length, 40)
  for (const [subject, count] of [
    ['a', 29],
    ['b', 10],
  ] as const) {
    const own = rows.filter((row) => row['subject'] === subject && row['reason'] !== 'unreadable')
    t.equal(own.length, count)
    const kept = own.filter((row) => row['kept']).map(({ entropy }) => Number(entropy))
    t.ok(Math.abs(kept.length - count / 4) < 1, `${kept.length} of ${count}`)
    const dropped = own.filter((row) => !row['kept']).map(({ entropy }) => Number(entropy))
    t.ok(Math.min(...kept) >= Math.max(...dropped), 'the richest stay')
  }
  const out = join(folder, 'out')
  for await (const event of curate({ ...settings, out }))
    if (event.type === 'progress' && event.done === 11) break
  const lines = readFileSync(join(out, 'journal.jsonl.partial'), 'utf8').split('\n')
  t.equal(lines.length, 1 + 11 + 1, 'in the middle of a folder')
  for await (const event of curate({ ...settings, out })) t.ok(event.type)
  t.equal(digest(out), digest(whole))
})

void t.test('.npy files of one slice and one size are chosen among together as well', async (t) => {
  const folder = t.testdir()
  const root = join(folder, 'in')
  for (const subject of ['a', 'b']) mkdirSync(join(root, subject), { recursive: true })
  const write = (path: string, shape: number[], pixels: readonly number[]): void => {
    writeNpy(join(root, path), shape, Float32Array.from(pixels))
  }
  // Grey levels of 2 to 41 kinds, in no order; two of another size stand in their midst.
  const levelsOf = (image: number): number => 2 + ((image * 17) % 40)
  for (let image = 0; image < 40; image += 1) {
    const pixels = Array.from({ length: 400 }, (_, at) => at % levelsOf(image))
    const shape = [12, 13].includes(image) ? [10, 40] : [20, 20]
    write(`${image < 30 ? 'a' : 'b'}/slice${String(image).padStart(2, '0')}.npy`, shape, pixels)
  }
  write(
    'a/volume.npy',
    [8, 20, 20],
    Array.from({ length: 3200 }, (_, at) => (at * at) % 97),
  )
  writeFileSync(join(root, 'a', 'slice05.npy'), 'no array')
  const settings = { roots: [root], size: 16, keepFraction: 0.25, entropyMin: 0 }
  const whole = join(folder, 'whole')
  for await (const event of curate({ ...settings, out: whole })) t.ok(event.type)
  const rows = await manifest(whole)
  t.equal(rows.length, 48)
  for (const [from, to] of [
    [0, 5], // the unreadable file ends a stack, for its size is not known
    [6, 12],
    [12, 14],
    [14, 30],
    [30, 40],
  ] as const) {
    const own = rows.filter((row) => {
      const image = Number(/slice(\d+)/.exec(String(row['source_path']))?.[1] ?? -1)
      return image >= from && image < to
    })
    t.equal(own.length, to - from)
    const entropies = (kept: boolean): number[] =>
      own.filter((row) => row['kept'] === kept).map(({ entropy }) => Number(entropy))
    t.ok(Math.abs(entropies(true).length - own.length / 4) < 1, `${entropies(true).length} of ${own.length}`)
    t.ok(Math.min(...entropies(true)) >= Math.max(...entropies(false)), 'the richest stay')
  }
  t.equal(rows.filter((row) => row['kept'] && String(row['source_path']).includes('volume')).length, 2)
  const coronal = join(folder, 'coronal')
  for await (const event of curate({ ...settings, out: coronal, plane: 'coronal' })) t.ok(event.type)
  const cut = await manifest(coronal)
  t.equal(cut.filter(({ plane }) => plane === 'axial').length, 39, 'an image is its own slice in any plane')
  t.equal(cut.filter(({ plane, reason }) => plane === 'coronal' && reason !== 'unreadable').length, 20)
  const out = join(folder, 'out')
  for await (const event of curate({ ...settings, out }))
    if (event.type === 'progress' && event.done === 20) break
  for await (const event of curate({ ...settings, out })) t.ok(event.type)
  t.equal(digest(out), digest(whole))
})

void t.test('a folder within the archive can be curated into, again and again', async (t) => {
  const root = join(t.testdir(), 'in')
  mkdirSync(root)
  for (let scan = 0; scan < 3; scan += 1)
    writeNifti(join(root, `scan${scan}.nii`), [20, 20, 20], drawBall([20, 20, 20], scan))
  const settings = { roots: [root], size: 16, shardRows: 2 }
  const elsewhere = join(t.testdirName, 'elsewhere')
  for await (const event of curate({ ...settings, out: elsewhere })) t.ok(event.type)
  for (const out of [join(root, 'curated'), root]) {
    for await (const event of curate({ ...settings, out }))
      if (event.type === 'progress' && event.done === 2) break
    for await (const event of curate({ ...settings, out })) t.ok(event.type, 'it goes on')
    for await (const event of curate({ ...settings, out, overwrite: true }))
      if (event.type === 'done') t.equal(event.unreadable, 0, 'nor is one that was there')
    t.equal((await manifest(out)).length, 60, 'its own slices are none of them')
    t.equal(digest(out), digest(elsewhere))
    rmSync(join(root, 'curated'), { recursive: true, force: true })
  }
})
