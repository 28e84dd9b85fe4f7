// What a file of weights says of its network: the metadata that gyrus writes into safetensors.
import { callEngine } from '../call.js'
import { native } from '../native.js'

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

/** Nothing where the file says nothing, or cannot be read: the engine says why. */
export async function factsOfFile(path: string): Promise<NetworkFacts> {
  const metadata = await callEngine(factsOfFile, undefined, () => native().weightMetadata(path)).catch(
    () => ({}),
  )
  const texts = new Map<string, string>(Object.entries(metadata))
  const numberOf = (name: string): number | undefined => {
    const text = texts.get(name)
    const value = text === undefined || text === '' ? NaN : Number(text)
    return Number.isFinite(value) ? value : undefined
  }
  return definedOf({
    arch: texts.get('arch'),
    heads: numberOf('heads'),
    imageSize: numberOf('image_size'),
    trainedChannels: numberOf('channels'),
    mean: numberOf('mean'),
    std: numberOf('std'),
  })
}

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

function definedOf<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>
}
