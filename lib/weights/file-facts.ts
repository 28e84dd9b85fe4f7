// What a file of weights says of its network: the metadata that gyrus writes into safetensors.
import { open } from 'node:fs/promises'

export interface NetworkFacts {
  readonly arch?: string
  readonly heads?: number
  /** Where its images were square. */
  readonly imageSize?: number
  /** Of the network; the file's first convolution may have three all the same. */
  readonly trainedChannels?: number
  readonly mean?: number
  readonly std?: number
}

const lengthBytes = 8
const longestHeader = 2 ** 26 // bytes

/** Nothing where the file says nothing, or cannot be read: the engine says why. */
export async function factsOfFile(path: string): Promise<NetworkFacts> {
  const metadata = await readMetadata(path).catch(() => undefined)
  if (typeof metadata !== 'object' || metadata === null) return {}
  const texts = new Map<string, unknown>(Object.entries(metadata))
  const numberOf = (name: string): number | undefined => {
    const text = texts.get(name)
    const value = typeof text === 'string' && text !== '' ? Number(text) : NaN
    return Number.isFinite(value) ? value : undefined
  }
  const arch = texts.get('arch')
  return definedOf({
    arch: typeof arch === 'string' ? arch : undefined,
    heads: numberOf('heads'),
    imageSize: numberOf('image_size'),
    trainedChannels: numberOf('channels'),
    mean: numberOf('mean'),
    std: numberOf('std'),
  })
}

async function readMetadata(path: string): Promise<unknown> {
  const file = await open(path, 'r')
  try {
    const length = Buffer.alloc(lengthBytes)
    if ((await file.read(length, 0, lengthBytes, 0)).bytesRead < lengthBytes) return undefined
    const bytes = length.readBigUInt64LE(0)
    if (bytes > longestHeader) return undefined
    const header = Buffer.alloc(Number(bytes))
    await file.read(header, 0, header.length, lengthBytes)
    return (JSON.parse(header.toString('utf8')) as Record<string, unknown>)['__metadata__']
  } finally {
    await file.close()
  }
}

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

function definedOf<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>
}
