// Just enough of NumPy's .npy format (version 1.0, little-endian float32, C order) for the demo's files.
import { readFile, writeFile } from 'node:fs/promises'

const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1')

export async function writeNpy(path: string, values: Float32Array, shape: number[]): Promise<void> {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`
  const padding = 64 - ((magic.length + 2 + header.length + 1) % 64)
  const text = Buffer.from(header + ' '.repeat(padding) + '\n', 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16LE(text.length)
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  await writeFile(path, Buffer.concat([magic, length, text, data]))
}

/** Values and shape of a float32 file as `gyrus embed` writes it. */
export async function readNpy(path: string): Promise<{ values: Float32Array; shape: number[] }> {
  const file = await readFile(path)
  const start = 10 + file.readUInt16LE(8)
  const header = file.toString('latin1', 10, start)
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1]
  if (!file.subarray(0, 6).equals(magic.subarray(0, 6)) || !header.includes("'<f4'") || shape === undefined) {
    throw new Error(`${path} is no float32 .npy file: its header is ${header}`)
  }
  const bytes = file.subarray(start)
  return {
    values: new Float32Array(Uint8Array.from(bytes).buffer),
    shape: shape
      .split(',')
      .map(Number)
      .filter((extent) => extent > 0),
  }
}
