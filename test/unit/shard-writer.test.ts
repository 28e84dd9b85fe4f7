// Shards: rows over several files, what a killed run leaves, arrays that are used again.
import { readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { npyHeader, ShardWriter } from '../../lib/slices/shard-writer.js'
import { SliceBuffers } from '../../lib/curate/slice-buffers.js'

const size = 8
const pixels = size ** 2
/** Slices first, first + 1, ..., each of its own number. */
const slices = (first: number, count: number): Uint16Array =>
  Uint16Array.from({ length: count * pixels }, (_, at) => first + Math.floor(at / pixels))

/** The rows of a finished shard. */
function rowsOf(path: string): number[] {
  const bytes = readFileSync(path)
  const rows = (bytes.length - 128) / 2 / pixels
  t.same(bytes.subarray(0, 128), npyHeader(rows, size), `header of ${path}`)
  return Array.from({ length: rows }, (_, row) => bytes.readUInt16LE(128 + 2 * row * pixels))
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
    writeFileSync(`${full}.partial`, Buffer.concat([npyHeader(0, size), readFileSync(full).subarray(128)]))
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
  truncateSync(`${last}.partial`, 128 + 2.5 * 2 * pixels)
  t.equal(await ShardWriter.countRows(layout), 10)
  truncateSync(join(folder, 'slices-00001.npy'), 100)
  t.equal(await ShardWriter.countRows(layout), 4, 'what lies behind a gap does not count')
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
  t.not(buffers.take(101).buffer, first.buffer)
  t.not(buffers.take(10).buffer, first.buffer, 'dropped for the larger one')
  t.end()
})
