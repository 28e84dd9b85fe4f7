// The cells of a comparison, and their results on the disk: a JSON file each, which appears when the cell is
// finished. A cell's key tells with which settings, weights and images it was made; a result with another key
// is not taken.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GyrusError, invalidOption } from '../../errors.js'
import {
  finetuneSettings,
  type CompareArm,
  type CompareSettings,
  type FinetuneSettings,
} from '../../options/classify.js'
import { parseOptions } from '../../options/parse.js'
import { writeWhole } from '../../write-file.js'
import type { Epoch } from './events.js'
import type { TriedRate } from './rate-search.js'
import { weightsOfSeed } from './start.js'

export interface Cell {
  /** "arm, seed 3, 10 %" */
  readonly name: string
  readonly arm: string
  readonly settings: FinetuneSettings
  /** Of which one is chosen; none: the settings' own. */
  readonly lrs: readonly number[]
}

export interface CellResult {
  readonly arm: string
  readonly seed: number
  readonly labelFraction: number
  /** Training images. */
  readonly trained: number
  /** Of the test images, [n, classes]. */
  readonly logits: readonly number[]
  readonly curve: readonly Epoch[]
  readonly bestEpoch: number
  readonly device: string
  readonly precision: string
  readonly seconds: number
  /** The learning rate that was chosen, and all that were tried; absent where there was no choice. */
  readonly lr?: number
  readonly tried?: readonly TriedRate[]
}

/** Arm by arm and seed by seed, so that a cache of features serves as many cells as it can. */
export function cellsOf(settings: CompareSettings): Cell[] {
  const { arms, seeds, labelFractions } = settings
  const notOfCells = new Set(['arms', 'seeds', 'labelFractions', 'reference', 'lrs'])
  const common = Object.fromEntries(Object.entries(settings).filter(([name]) => !notOfCells.has(name)))
  return arms.flatMap(({ name, lrs: ownLrs, ...own }) => {
    const lrs = ratesOf({ name, lrs: ownLrs, ...own }, settings)
    return seeds.flatMap((seed) =>
      labelFractions.map((labelFraction) => {
        const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
        const rate = lrs[0] === undefined ? {} : { lr: lrs[0] } // the same key whatever stands beside the list
        const merged = { ...common, ...given, ...rate, labelFraction, seed, ...weightsOf(own.weights, seed) }
        return {
          name: `${name}, seed ${seed}${shareOfLabels(labelFraction, ', ')}`,
          arm: name,
          settings: parseOptions(finetuneSettings, `compare: arm ${name}`, merged),
          lrs,
        }
      }),
    )
  })
}

/** The arm's own list, or everybody's unless it names one rate; the linear method has none. */
function ratesOf(arm: CompareArm, { lrs, method }: CompareSettings): readonly number[] {
  const isLinear = (arm.method ?? method) === 'linear'
  if (arm.lrs !== undefined && isLinear)
    throw invalidOption(
      `compare: arm ${arm.name}: lrs`,
      'left out: the linear method has no learning rate',
      arm.lrs,
    )
  if (arm.lrs !== undefined && arm.lr !== undefined)
    throw invalidOption(`compare: arm ${arm.name}: lrs`, 'left out, or given without lr', arm.lrs)
  if (isLinear) return []
  return arm.lrs ?? (arm.lr === undefined ? (lrs ?? []) : [])
}

function weightsOf(path: string | undefined, seed: number): { weights?: string } {
  return path === undefined ? {} : { weights: weightsOfSeed(path, seed) }
}

/** "5 % of the labels" with something before it; nothing of all of them. */
export function shareOfLabels(fraction: number, before: string): string {
  return fraction === 1 ? '' : `${before}${+(100 * fraction).toPrecision(12)} % of the labels`
}

/** What changes nothing about a cell's result but its speed, or is told of the images by their fingerprint. */
const indifferent = new Set<string>([
  ...['data', 'labels', 'cache', 'out', 'weights', 'device', 'threads', 'loaderThreads'],
  ...['saveSeconds', 'replicates', 'confidence', 'sliceSize', 'fit', 'skipUnreadable'],
])

/** Tells results that were made with the same settings, images and weights from others. */
export async function keyOf(
  settings: FinetuneSettings,
  fingerprint: string,
  hash: (path: string) => Promise<string> = hashFile,
  lrs: readonly number[] = [],
): Promise<string> {
  const own = Object.entries(settings).filter(([name]) => !indifferent.has(name))
  const { weights } = settings
  const start = weights === undefined ? 'random' : await hash(weights)
  return createHash('sha256')
    .update(
      JSON.stringify([fingerprint, start, Object.fromEntries(own.sort()), ...(lrs.length > 0 ? [lrs] : [])]),
    )
    .digest('hex')
}

export class CellStore {
  readonly #folder: string
  readonly #fingerprint: string
  readonly #hashes = new Map<string, Promise<string>>()

  constructor(out: string, fingerprint: string) {
    this.#folder = join(out, 'cells')
    this.#fingerprint = fingerprint
  }

  /** Undefined unless the very cell was finished. Rejects when its weights cannot be read. */
  async read(cell: Cell): Promise<CellResult | undefined> {
    const key = await this.#key(cell)
    try {
      const found = JSON.parse(await readFile(this.#path(cell), 'utf8')) as {
        key?: unknown
        result?: CellResult
      }
      return found.key === key ? found.result : undefined
    } catch {
      return undefined // not there, or not whole: it is made anew
    }
  }

  async write(cell: Cell, result: CellResult): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    await writeWhole(this.#path(cell), `${JSON.stringify({ key: await this.#key(cell), result })}\n`, true)
  }

  /** Names of cells differ, and so do those of their files. */
  #path({ name }: Cell): string {
    return join(this.#folder, `${encodeURIComponent(name).replaceAll('%2C', ',')}.json`)
  }

  #key({ settings, lrs }: Cell): Promise<string> {
    const hash = (path: string): Promise<string> => {
      const known = this.#hashes.get(path) ?? hashFile(path)
      this.#hashes.set(path, known)
      return known
    }
    return keyOf(settings, this.#fingerprint, hash, lrs)
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
  } catch (cause) {
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `the weights ${path} cannot be read: check the path`, {
      cause,
    })
  }
  return hash.digest('hex')
}
