// PyTorch files made by hand, as torch.save writes them: a stored ZIP archive of a pickle and raw storages.
import { writeFileSync } from 'node:fs'

export interface TorchTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}
export type TorchDict = { readonly [name: string]: TorchTensor | TorchDict | number | Buffer }

/** Calls a function when Python unpickles it: what a hostile file holds. A value of a dict. */
export function pickledCall(module: string, name: string, argument: string): Buffer {
  return Buffer.concat([global(module, name), text(argument), Buffer.from('\x85R', 'latin1')])
}

export function writeTorchFile(path: string, dict: TorchDict): void {
  const storages: Float32Array[] = []
  const program = Buffer.concat([bytes(0x80, 2), pickled(dict, storages), Buffer.from('.')])
  const files: [string, Buffer][] = [
    ['archive/data.pkl', program],
    ['archive/byteorder', Buffer.from('little')],
    ...storages.map((data, key): [string, Buffer] => [
      `archive/data/${key}`,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    ]),
  ]
  writeFileSync(path, zip(files))
}

const bytes = (...values: number[]): Buffer => Buffer.from(values)

function text(value: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(value))
  return Buffer.concat([Buffer.from('X'), length, Buffer.from(value)])
}

function integer(value: number): Buffer {
  const operand = Buffer.alloc(4)
  operand.writeInt32LE(value)
  return Buffer.concat([Buffer.from('J'), operand])
}

function global(module: string, name: string): Buffer {
  return Buffer.from(`c${module}\n${name}\n`)
}

function tuple(...items: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')])
}

function pickled(value: TorchDict[string], storages: Float32Array[]): Buffer {
  if (typeof value === 'number') return integer(value)
  if (Buffer.isBuffer(value)) return value
  if (isTensor(value)) return tensor(value, storages)
  const items = Object.entries(value).flatMap(([name, item]) => [text(name), pickled(item, storages)])
  return Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')])
}

function isTensor(value: TorchTensor | TorchDict): value is TorchTensor {
  return 'data' in value && value.data instanceof Float32Array
}

function tensor({ shape, data }: TorchTensor, storages: Float32Array[]): Buffer {
  const key = String(storages.push(data) - 1)
  const kind = global('torch', 'FloatStorage')
  const storage = [
    tuple(text('storage'), kind, text(key), text('cpu'), integer(data.length)),
    Buffer.from('Q'),
  ]
  const strides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, extent) => product * extent, 1),
  )
  const hooks = Buffer.concat([global('collections', 'OrderedDict'), Buffer.from(')R')])
  return Buffer.concat([
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(
      Buffer.concat(storage),
      integer(0),
      tuple(...shape.map(integer)),
      tuple(...strides.map(integer)),
      bytes(0x89),
      hooks,
    ),
    Buffer.from('R'),
  ])
}

/** Without checksums, as torch.save leaves them out when it is asked to be quick. */
function zip(files: readonly [string, Buffer][]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of files) {
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(content.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, rest, Buffer.from(name))
    const entry = [Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), content]
    parts.push(...entry)
    offset += entry.reduce((sum, part) => sum + part.length, 0)
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(
    directory.reduce((sum, part) => sum + part.length, 0),
    12,
  )
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, ...directory, end])
}
