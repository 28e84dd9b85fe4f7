// Files made by hand: .npy and safetensors, good and bad.
import { writeFileSync } from 'node:fs'

/** A .npy file, version 1.0, float32 in C order. */
export function writeNpy(path: string, shape: readonly number[], data: Float32Array): void {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.map((n) => `${n},`).join(' ')}), }`
  const header = dict.padEnd(Math.ceil((10 + dict.length + 1) / 64) * 64 - 11) + '\n'
  const prefix = Buffer.alloc(10)
  prefix.write('\x93NUMPY\x01\x00', 'latin1')
  prefix.writeUInt16LE(header.length, 8)
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(header, 'latin1'), bytesOf(data)]))
}

/** The shape and the data of a .npy file of float32. */
export function readNpy(bytes: Buffer): { shape: number[]; data: Float32Array } {
  const start = 10 + bytes.readUInt16LE(8)
  const header = bytes.toString('latin1', 10, start)
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1] ?? ''
  const copy = Uint8Array.prototype.slice.call(bytes, start)
  return {
    shape: shape
      .split(',')
      .filter((text) => text.trim() !== '')
      .map(Number),
    data: new Float32Array(copy.buffer, 0, copy.byteLength / 4),
  }
}

/** A safetensors file of float32 tensors. */
export function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>,
): void {
  let offset = 0
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
    const begin = offset
    offset += data.byteLength
    return [name, { dtype: 'F32', shape, data_offsets: [begin, offset] }] as const
  })
  const json = JSON.stringify(Object.fromEntries(entries))
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(
    path,
    Buffer.concat([length, header, ...Object.values(tensors).map(({ data }) => bytesOf(data))]),
  )
}

/** What a safetensors file says of itself. */
export function readMetadata(bytes: Buffer): Record<string, string> {
  const header: unknown = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0))))
  return (header as { __metadata__?: Record<string, string> }).__metadata__ ?? {}
}

/** The tensors of a safetensors file of float32. */
export function readSafetensors(bytes: Buffer): Record<string, { shape: number[]; data: Float32Array }> {
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__')
  return Object.fromEntries(
    tensors.map(
      ([
        name,
        {
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        const copy = Uint8Array.prototype.slice.call(bytes, start + begin, start + end)
        return [name, { shape, data: new Float32Array(copy.buffer, 0, copy.byteLength / 4) }]
      },
    ),
  )
}

function bytesOf(data: Float32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Below a folder, with names of one byte a character, as old disks have them. */
export function latin1Path(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')])
}
