// Archives to curate, and what a run left in its folder.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import type { Test } from 'tap'
import { drawBall, writeNifti } from './nifti.js'

export const shape = [40, 36, 32] as const
export const volumes = 12

/** IXI with `volumes` subjects. */
export function archive(t: Test): { root: string; out: string } {
  const folder = t.testdir()
  const root = join(folder, 'ixi')
  for (let i = 0; i < volumes; i += 1) {
    const name = `IXI${String(i).padStart(3, '0')}-HH-1${i}-T1.nii.gz`
    writeNifti(join(root, 'IXI-T1', name), shape, drawBall(shape, i + 1))
  }
  return { root, out: join(folder, 'out') }
}

export type Row = Record<string, unknown>

export async function manifest(out: string): Promise<Row[]> {
  const file = await asyncBufferFromFile(join(out, 'manifest.parquet'))
  return (await parquetReadObjects({ file })) as Row[]
}

/** A shard's rows: the header is text of a page. */
export function shard(out: string, name: string): { rows: number; size: number; pixels: Uint16Array } {
  const bytes = readFileSync(join(out, name))
  const [, rows = '', size = ''] =
    /'descr': '<u2', .*'shape': \((\d+), (\d+), \2\)/.exec(bytes.toString('latin1', 0, 128)) ?? []
  return {
    rows: Number(rows),
    size: Number(size),
    pixels: new Uint16Array(bytes.buffer.slice(bytes.byteOffset + 4096)),
  }
}

/** Everything that a run must write alike, however it came about. */
export function digest(out: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(out).sort()) {
    if (/^(slices-.*\.npy|manifest\.parquet|report\.html)$/.test(name))
      hash.update(name).update(readFileSync(join(out, name)))
  }
  return hash.digest('hex')
}
