// Takes the backbone out of a trainer's file: the tensors under base_encoder., without the projector, under the names
// that torchvision gives them.
import { readFile, writeFile } from 'node:fs/promises'

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

const prefix = 'base_encoder.'

export async function exportBackbone(from: string, to: string): Promise<void> {
  const file = await readFile(from)
  const headerEnd = 8 + Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, headerEnd)) as Record<string, Entry>
  const kept: Record<string, Entry> = {}
  const bodies: Buffer[] = []
  let offset = 0
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (!name.startsWith(prefix) || name.startsWith(`${prefix}fc.`)) continue
    const [begin, end] = data_offsets
    kept[name.slice(prefix.length)] = { dtype, shape, data_offsets: [offset, offset + end - begin] }
    bodies.push(file.subarray(headerEnd + begin, headerEnd + end))
    offset += end - begin
  }
  const text = Buffer.from(JSON.stringify(kept))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  await writeFile(to, Buffer.concat([length, text, ...bodies]))
}
