// Shards: rows over several files, what a killed run leaves, arrays that are used again.
import { readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { headerBytes, npyHeader, ShardWriter } from '../../lib/slices/shard-writer.js'
import { SliceBuffers } from '../../lib/curate/slice-buffers.js'

const size = 8
const pixels = size ** 2
/** Slices first, first + 1, ..., each of its own number. */
const slices = (first: number, count: number): Uint16Array =>
  Uint16Array.from({ length: count * pixels }, (_, at) => first + Math.floor(at / pixels))

/** The rows of a finished shard. */
function rowsOf(path: string): number[] {
  const bytes = readFileSync(path)
  const rows = (bytes.length - headerBytes) / 2 / pixels
  t.same(bytes.subarray(0, headerBytes), Buffer.from(npyHeader(rows, size)), `header of ${path}`)
  return Array.from({ length: rows }, (_, row) => bytes.readUInt16LE(headerBytes + 2 * row * pixels))
}

async function write(folder: string, from: number, counts: readonly number[]): Promise<void> {
  const writer = await ShardWriter.open({ folder, size, rows: 4 }, from)
  for (const count of counts) await writer.append(slices(writer.rows, count))
  await writer.end()
  await writer.close()
}

void t.test('rows go on from shard to shard', async (t) => {
  const folder = t.testdir()
  await write(folder, 0, [3, 0, 6, 1, 1])
  t.same(readdirSync(folder).sort(), ['slices-00000.npy', 'slices-00001.npy', 'slices-00002.npy'])
  t.same(rowsOf(join(folder, 'slices-00000.npy')), [0, 1, 2, 3])
  t.same(rowsOf(join(folder, 'slices-00001.npy')), [4, 5, 6, 7])
  t.same(rowsOf(join(folder, 'slices-00002.npy')), [8, 9, 10])
})

void t.test('a set that a kill cut off goes on after any row', async (t) => {
  for (let known = 0; known <= 11; known += 1) {
    const folder = t.testdir()
    await write(folder, 0, [11])
    // The full shard was on its way to the disk, the last one under way.
    const last = join(folder, 'slices-00002.npy')
    renameSync(last, `${last}.partial`)
    const full = join(folder, 'slices-00001.npy')
    writeFileSync(
      `${full}.partial`,
      Buffer.concat([npyHeader(0, size), readFileSync(full).subarray(headerBytes)]),
    )
    renameSync(`${full}.partial`, full)
    renameSync(full, `${full}.partial`)
    await write(folder, known, [11 - known])
    t.same(
      readdirSync(folder).sort(),
      ['slices-00000.npy', 'slices-00001.npy', 'slices-00002.npy'],
      `${known} known`,
    )
    t.same(rowsOf(full), [4, 5, 6, 7])
    t.same(rowsOf(last), [8, 9, 10])
  }
})

void t.test('rows that the disk has, of finished shards and of others', async (t) => {
  const folder = t.testdir()
  const layout = { folder, size, rows: 4 }
  t.equal(await ShardWriter.countRows(layout), 0)
  await write(folder, 0, [11])
  t.equal(await ShardWriter.countRows(layout), 11)
  const last = join(folder, 'slices-00002.npy')
  renameSync(last, `${last}.partial`)
  truncateSync(`${last}.partial`, headerBytes + 2.5 * 2 * pixels)
  t.equal(await ShardWriter.countRows(layout), 10)
  truncateSync(join(folder, 'slices-00001.npy'), 100)
  t.equal(await ShardWriter.countRows(layout), 4, 'what lies behind a gap does not count')
})

void t.test('from memory of any address and rows of any size the bytes are the same', async (t) => {
  for (const side of [8, 16, 256]) {
    const folders = [t.testdir({ a: {}, b: {} })].flatMap((root) => [join(root, 'a'), join(root, 'b')])
    const values = Uint16Array.from({ length: 3 * side ** 2 }, (_, at) => at * 7)
    const aligned = new SliceBuffers().take(values.length)
    aligned.set(values)
    const shifted = new Uint16Array(values.length + 1).subarray(1)
    shifted.set(values)
    for (const [at, slices] of [aligned, shifted].entries()) {
      const writer = await ShardWriter.open({ folder: folders[at] ?? '', size: side, rows: 2 }, 0)
      await writer.append(slices)
      await writer.append(slices.subarray(side ** 2, 2 * side ** 2))
      await writer.end()
      await writer.close()
    }
    const [first, second] = folders.map((folder) =>
      readdirSync(folder)
        .sort()
        .map((name) => [name, readFileSync(join(folder, name)).toString('latin1')]),
    )
    t.same(first, second, `slices of ${side}`)
    t.equal(first?.length, 2)
    const bytes = Buffer.from(first?.[0]?.[1] ?? '', 'latin1')
    t.equal(bytes.readUInt16LE(headerBytes + 2 * 9), 63, 'contents')
  }
})

void t.test('a folder that is none', async (t) => {
  const folder = join(t.testdir({ file: '' }), 'file')
  await t.rejects(ShardWriter.open({ folder, size, rows: 4 }, 0), { code: 'ENOTDIR' })
  const gone = join(t.testdir(), 'gone')
  await t.rejects(ShardWriter.open({ folder: gone, size, rows: 4 }, 0), { code: 'ENOENT' })
})

void t.test('arrays serve again, and too small ones make room', (t) => {
  const buffers = new SliceBuffers()
  const first = buffers.take(100)
  t.equal(first.length, 100)
  t.not(buffers.take(50).buffer, first.buffer, 'never one that is in use')
  buffers.give(first)
  const again = buffers.take(60)
  t.equal(again.buffer, first.buffer)
  t.equal(again.length, 60)
  buffers.give(again)
  t.not(buffers.take(100 + 4096).buffer, first.buffer)
  t.not(buffers.take(10).buffer, first.buffer, 'dropped for the larger one')
  t.end()
})
