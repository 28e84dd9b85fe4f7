// A path of weights as people give it: a file, or the folder of a run, whose backbone and settings are taken then.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { GyrusError } from '../errors.js'
import { factsOfFile, type NetworkFacts } from './file-facts.js'

export interface FoundWeights extends NetworkFacts {
  readonly path: string
  /** Of the weights, where a run has no others than its network's. */
  readonly channels?: number
}

const network = z.object({
  arch: z.string(),
  imageSize: z.number().optional(),
  heads: z.number().optional(),
  channels: z.number().optional(),
  mean: z.number().optional(),
  std: z.number().optional(),
})
// Of a pretraining, whose backbone has three channels whatever its network has, and of a fine-tuning.
const runConfig = z.union([
  z
    .object({ settings: network })
    .transform(({ settings }) => ({ ...settings, file: 'backbone.safetensors', isNetworks: false })),
  network.transform((settings) => ({ ...settings, file: 'model.safetensors', isNetworks: true })),
])

/** What lies at the path, and which network it is of, where the run's settings or the file's metadata say so. */
export async function findWeights(path: string): Promise<FoundWeights> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false, // the engine says why it cannot be opened
  )
  if (!isFolder) return { path, ...(await factsOfFile(path)) }
  const config = join(path, 'config.json')
  const found = runConfig.safeParse(await readConfig(config))
  if (!found.success) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_FORMAT',
      `${config} does not say which network the run trained; give a file of weights and its architecture`,
    )
  }
  const { file, isNetworks, channels, ...facts } = found.data
  const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
  return {
    path: join(path, file),
    ...(given as NetworkFacts),
    ...(channels === undefined ? {} : { trainedChannels: channels }),
    ...(channels === undefined || !isNetworks ? {} : { channels }),
  }
}

async function readConfig(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `${file} is not there: the folder is not that of a run; give a file of weights`,
      { cause: error },
    )
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
