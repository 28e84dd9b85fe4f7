// What a classifier starts from: a file of weights, or the folder of a run, which also says which network it trained.
import { access, readFile } from 'node:fs/promises'
import { basename, join, normalize } from 'node:path'
import { GyrusError } from '../../errors.js'
import type {
  CompareConfig,
  CompareSettings,
  EvaluateConfig,
  EvaluateSettings,
  FinetuneConfig,
  FinetuneSettings,
} from '../../options/classify.js'
import type { Architecture } from '../../options/model.js'
import { findWeights, type FoundWeights } from '../../weights/run-weights.js'

/** A run's folder gives its file and, unless the caller named one, its architecture. */
export async function startOfFinetune(
  settings: FinetuneSettings,
  config: FinetuneConfig,
): Promise<FinetuneSettings> {
  if (settings.weights === undefined) return settings
  const found = await findStart(settings.weights)
  const network = { ...(config.arch === undefined ? networkOf(found) : {}), ...sizeOf(found, config) }
  return { ...settings, weights: found.path, ...network }
}

/** The same for each arm; where all runs trained one architecture, it is that of arms without weights as well. */
export async function startsOfArms(
  settings: CompareSettings,
  config: CompareConfig,
): Promise<CompareSettings> {
  const found = await Promise.all(
    settings.arms.map(async ({ weights }) =>
      weights === undefined ? undefined : findStarts(weights, settings.seeds),
    ),
  )
  const isFree = config.arch === undefined
  const names = new Set(found.flatMap((own) => own?.arch ?? []))
  const common = found.find((own) => own?.arch !== undefined)
  return {
    ...settings,
    ...(isFree && names.size === 1 && common !== undefined ? networkOf(common) : {}),
    ...(common === undefined ? {} : sizeOf(common, config)),
    arms: settings.arms.map((arm, at) => {
      const own = found[at]
      if (own === undefined) return arm
      return { ...(isFree ? networkOf(own) : {}), ...definedOf(arm), weights: own.path }
    }),
  }
}

const networkNames = [
  ...[
    'arch',
    'imageSize',
    'channels',
    'heads',
    'hasTrainablePositions',
    'mean',
    'std',
    'testSide',
    'sliceSize',
    'fit',
  ],
] as const

/** The folder of a fine-tuning gives what its network saw, unless the caller says otherwise, and its classes. */
export async function modelOfEvaluation(
  settings: EvaluateSettings,
  config: EvaluateConfig,
): Promise<{ settings: EvaluateSettings; classes: readonly string[] | undefined }> {
  const { path } = await findStart(settings.weights)
  if (path === settings.weights) return { settings, classes: undefined }
  const given = new Map<string, unknown>(Object.entries(config))
  const trained = new Map(Object.entries(await readObject(join(settings.weights, 'config.json'))))
  const taken = networkNames.flatMap((name) =>
    given.get(name) === undefined && trained.has(name) ? [[name, trained.get(name)] as const] : [],
  )
  const { classes } = (await readObject(join(settings.weights, 'result.json'))) as {
    classes?: readonly string[]
  }
  return { settings: { ...settings, ...Object.fromEntries(taken), weights: path }, classes }
}

async function readObject(path: string): Promise<object> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as object
  } catch (cause) {
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `${path} cannot be read: it is no finished fine-tuning`,
      {
        cause,
      },
    )
  }
}

const seedWord = '{seed}'

/** The path of a seed's own weights: runs that differ in their seed can be an arm. */
export function weightsOfSeed(path: string, seed: number): string {
  return path.replaceAll(seedWord, String(seed))
}

/** Of every seed, as a path with the word for the seed; the network is the first one's. */
async function findStarts(path: string, seeds: readonly number[]): Promise<FoundWeights> {
  if (!path.includes(seedWord)) return findStart(path)
  const template = normalize(path)
  const paths = seeds.map((seed) => weightsOfSeed(template, seed))
  const [first] = await Promise.all(paths.map((own) => findStart(own)))
  const file = first === undefined || first.path === paths[0] ? '' : basename(first.path)
  return { ...first, path: file === '' ? template : join(template, file) }
}

/** Looks whether it is there before any image is. */
async function findStart(path: string): Promise<FoundWeights> {
  const found = await findWeights(path)
  await access(found.path).catch((cause: unknown) => {
    throw new GyrusError(
      'ERR_GYRUS_FILE_NOT_FOUND',
      `the weights ${found.path} cannot be read: check the path`,
      {
        cause,
      },
    )
  })
  return found
}

function networkOf({ arch, heads }: FoundWeights): { arch?: Architecture; heads?: number } {
  return {
    ...(arch === undefined ? {} : { arch: arch as Architecture }), // the engine knows the names
    ...(heads === undefined ? {} : { heads }),
  }
}

/** A ViT's positions are of one size: where none is asked for, the one that it was trained at. */
function sizeOf(
  { arch, imageSize }: FoundWeights,
  asked: { imageSize?: number | undefined },
): { imageSize?: number } {
  const isFixed = asked.imageSize === undefined && arch?.includes('vit') === true
  return isFixed && imageSize !== undefined ? { imageSize } : {}
}

function definedOf<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields
}
