// Messages of HDF5 object headers (HDF5 File Format Specification, version 1 forms): datatypes, dataspaces, layouts.

export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])
}

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt16LE(value, 2 * at)
  return bytes
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, 4 * at)
  return bytes
}

/** -1 is the undefined address. */
export function u64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [at, value] of values.entries()) bytes.writeBigInt64LE(BigInt(value), 8 * at)
  return bytes
}

const float32 = Buffer.concat([
  Buffer.from([0x11, 0x20, 31, 0]), // class 1; the mantissa's first bit is implied; the sign is bit 31
  u32(4),
  u16(0, 32),
  Buffer.from([23, 8, 0, 23]),
  u32(127),
])
const float64 = Buffer.concat([
  Buffer.from([0x11, 0x20, 63, 0]),
  u32(8),
  u16(0, 64),
  Buffer.from([52, 11, 0, 52]),
  u32(1023),
])
/** h5py's complex64: a compound of r and i. */
const complex64 = Buffer.concat([
  Buffer.from([0x16, 2, 0, 0]),
  u32(8),
  ...['r', 'i'].map((name, at) =>
    Buffer.concat([padded(Buffer.from(`${name}\0`)), u32(4 * at), Buffer.alloc(28), float32]),
  ),
])
/** Of variable length, UTF-8, ended by NUL: what h5py makes of a str. */
const text = Buffer.concat([
  Buffer.from([0x19, 0x01, 0x01, 0]),
  u32(16),
  Buffer.from([0x13, 0x10, 0, 0]),
  u32(1),
])

export const hdf5Types = { float32, float64, complex64, text } as const
export type Hdf5Type = keyof typeof hdf5Types
export const elementBytes: Readonly<Record<Hdf5Type, number>> = {
  float32: 4,
  float64: 8,
  complex64: 8,
  text: 16,
}

/** No extents: one element. */
export function dataspace(shape: readonly number[]): Buffer {
  return Buffer.concat([Buffer.from([1, shape.length, 0, 0, 0, 0, 0, 0]), u64(...shape)])
}

export function message(kind: number, body: Buffer): Buffer {
  const data = padded(body)
  return Buffer.concat([u16(kind, data.length), Buffer.alloc(4), data])
}

export function objectHeader(messages: readonly Buffer[]): Buffer {
  const body = Buffer.concat(messages)
  return Buffer.concat([Buffer.from([1, 0]), u16(messages.length), u32(1, body.length, 0), body])
}

export function datasetHeader(type: Hdf5Type, shape: readonly number[], address: number): Buffer {
  const bytes = shape.reduce((product, extent) => product * extent, elementBytes[type])
  return objectHeader([
    message(0x01, dataspace(shape)),
    message(0x03, hdf5Types[type]),
    message(0x05, Buffer.from([2, 1, 2, 0])), // fill value: none
    message(0x08, Buffer.concat([Buffer.from([3, 1]), u64(address, bytes)])), // contiguous
  ])
}

export function attribute(name: string, type: Hdf5Type, value: Buffer): Buffer {
  const named = Buffer.from(`${name}\0`)
  const kind = hdf5Types[type]
  const space = dataspace([])
  const sizes = u16(named.length, kind.length, space.length)
  const head = Buffer.concat([Buffer.from([1, 0]), sizes])
  return message(0x0c, Buffer.concat([head, padded(named), padded(kind), padded(space), value]))
}
