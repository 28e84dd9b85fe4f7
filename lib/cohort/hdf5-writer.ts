// The beginning of an HDF5 file with one group: superblock 0, symbol table, texts in a global heap, headers of
// contiguous datasets. The arrays follow it, at the offsets that it tells.
import {
  attribute,
  datasetHeader,
  elementBytes,
  message,
  objectHeader,
  padded,
  u16,
  u32,
  u64,
  type Hdf5Type,
} from './hdf5-types.js'

export interface Hdf5Content {
  /** At most 8, names in the order of their bytes. */
  readonly arrays: readonly {
    readonly name: string
    readonly type: 'float32' | 'complex64'
    readonly shape: readonly number[]
  }[]
  readonly texts: Readonly<Record<string, string>>
  readonly attributes: Readonly<Record<string, string | number>>
}

export interface Hdf5Start {
  readonly bytes: Buffer
  /** Where each array begins in the file, by name. */
  readonly offsets: ReadonlyMap<string, number>
  readonly fileBytes: number
}

const leafK = 4
const internalK = 16
const undefinedAddress = -1

interface Piece {
  readonly name: string
  readonly type: Hdf5Type
  readonly shape: readonly number[]
}

/** The same content with other numbers as attributes has the same offsets. */
export function hdf5Start(content: Hdf5Content): Hdf5Start {
  // The lengths do not depend on addresses: a first pass finds those, a second writes them.
  const blank = assemble(content, new Map(), 0)
  const places = new Map<string, number>()
  let end = 0
  for (const [name, bytes] of blank) {
    places.set(name, end)
    end += bytes.length
  }
  const offsets = new Map<string, number>()
  for (const { name, type, shape } of content.arrays) {
    offsets.set(name, end)
    places.set(`data of ${name}`, end)
    end += Math.ceil(shape.reduce((product, extent) => product * extent, elementBytes[type]) / 8) * 8
  }
  const bytes = Buffer.concat([...assemble(content, places, end).values()])
  return { bytes, offsets, fileBytes: end }
}

type Places = ReadonlyMap<string, number>

function assemble(content: Hdf5Content, places: Places, end: number): Map<string, Buffer> {
  const place = (name: string): number => places.get(name) ?? 0
  const texts = Object.entries(content.texts)
  const pieces: Piece[] = [
    ...content.arrays,
    ...texts.map(([name]): Piece => ({ name, type: 'text', shape: [] })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1))
  const heap = [
    ...Object.values(content.attributes).filter((value) => typeof value === 'string'),
    ...Object.values(content.texts),
  ]
  const reference = (value: string): Buffer =>
    Buffer.concat([u32(Buffer.byteLength(value)), u64(place('texts')), u32(heap.indexOf(value) + 1)])
  const attributes = Object.entries(content.attributes).map(([name, value]) =>
    typeof value === 'string'
      ? attribute(name, 'text', reference(value))
      : attribute(name, 'float64', float64Bytes(value)),
  )
  const parts = new Map<string, Buffer>()
  parts.set('superblock', superblock(place('root'), end, [place('tree'), place('names')]))
  const table = message(0x11, u64(place('tree'), place('names')))
  parts.set('root', objectHeader([table, ...attributes]))
  const { segment, starts } = nameSegment(pieces)
  parts.set('tree', tree(place('symbols'), starts.at(-1) ?? 0))
  const head = Buffer.from('HEAP\0\0\0\0', 'latin1')
  parts.set('names', Buffer.concat([head, u64(segment.length, 1, place('segment'))]))
  parts.set('segment', segment)
  const headers = pieces.map(({ name }) => place(`header of ${name}`))
  parts.set('symbols', symbols(starts, headers))
  parts.set('texts', globalHeap(heap))
  for (const { name, type, shape } of pieces)
    parts.set(`header of ${name}`, datasetHeader(type, shape, place(`data of ${name}`)))
  for (const [name, value] of texts) parts.set(`data of ${name}`, reference(value))
  return parts
}

function float64Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

function superblock(root: number, end: number, scratch: readonly number[]): Buffer {
  return Buffer.concat([
    Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
    Buffer.from([0, 0, 0, 0, 0, 8, 8, 0]), // versions; bytes of offsets and lengths
    u16(leafK, internalK),
    u32(0),
    u64(0, undefinedAddress, end, undefinedAddress),
    u64(0, root), // the root group's entry: no name, its header,
    u32(1, 0), // and its symbol table repeated
    u64(...scratch),
  ])
}

/** A B-tree of one leaf. */
function tree(child: number, lastName: number): Buffer {
  const bytes = Buffer.alloc(24 + 8 * (4 * internalK + 1))
  Buffer.concat([
    Buffer.from('TREE\0\0', 'latin1'),
    u16(1),
    u64(undefinedAddress, undefinedAddress, 0, child, lastName),
  ]).copy(bytes)
  return bytes
}

function nameSegment(pieces: readonly Piece[]): { segment: Buffer; starts: number[] } {
  const names = pieces.map(({ name }) => padded(Buffer.from(`${name}\0`)))
  const starts: number[] = []
  let at = 8 // the empty name comes first
  for (const name of names) {
    starts.push(at)
    at += name.length
  }
  return { segment: Buffer.concat([Buffer.alloc(8), ...names]), starts }
}

function symbols(names: readonly number[], headers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + 2 * leafK * 40)
  Buffer.concat([
    Buffer.from('SNOD\x01\0', 'latin1'),
    u16(names.length),
    ...names.map((name, at) => Buffer.concat([u64(name, headers[at] ?? 0), Buffer.alloc(24)])),
  ]).copy(bytes)
  return bytes
}

/** Texts by index, from 1; the rest of the collection is free. */
function globalHeap(texts: readonly string[]): Buffer {
  const objects = texts.map((text, at) => {
    const body = Buffer.from(text)
    return Buffer.concat([u16(at + 1, 1), u32(0), u64(body.length), padded(body)])
  })
  const used = 16 + objects.reduce((sum, object) => sum + object.length, 0)
  const size = Math.max(4096, used + 16)
  const free = Buffer.alloc(size - used)
  u64(size - used).copy(free, 8)
  return Buffer.concat([Buffer.from('GCOL\x01\0\0\0', 'latin1'), u64(size), ...objects, free])
}
