// What a file of weights holds for a network, of any form that can be loaded: before a trainer or an encoder is made
// for it, one has to know how many classes and channels it has.
import { callEngine } from '../call.js'
import { native, type WeightFacts } from '../native.js'
import { toNativeEncoder } from '../options/model.js'

export interface NamesOfNetwork {
  readonly arch: string
  readonly heads?: number | undefined
  readonly hasTrainablePositions?: boolean
}

/** Throws what opening a file of weights throws; what fits too little is told by the loading. */
export function inspectWeights(network: NamesOfNetwork, path: string): Promise<WeightFacts> {
  const encoder = toNativeEncoder({ ...network, imageSize: 224, channels: 3 })
  return callEngine(inspectWeights, undefined, () => native().inspectWeights(encoder, path))
}
