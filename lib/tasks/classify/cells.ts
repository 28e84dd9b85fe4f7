// The cells of a comparison, and their results on the disk: a JSON file each, which appears when the cell is
// finished. A cell's key tells with which settings, weights and images it was made; a result with another key
// is not taken.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GyrusError } from '../../errors.js'
import { finetuneSettings, type CompareSettings, type FinetuneSettings } from '../../options/classify.js'
import { parseOptions } from '../../options/parse.js'
import { writeWhole } from '../../write-file.js'
import type { Epoch } from './events.js'
import { weightsOfSeed } from './start.js'

export interface Cell {
  /** "arm, seed 3, 10 %" */
  readonly name: string
  readonly arm: string
  readonly settings: FinetuneSettings
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
}

/** Arm by arm and seed by seed, so that a cache of features serves as many cells as it can. */
export function cellsOf(settings: CompareSettings): Cell[] {
  const { arms, seeds, labelFractions } = settings
  const notOfCells = new Set(['arms', 'seeds', 'labelFractions', 'reference'])
  const common = Object.fromEntries(Object.entries(settings).filter(([name]) => !notOfCells.has(name)))
  return arms.flatMap(({ name, ...own }) =>
    seeds.flatMap((seed) =>
      labelFractions.map((labelFraction) => {
        const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
        const merged = { ...common, ...given, labelFraction, seed, ...weightsOf(own.weights, seed) }
        return {
          name: `${name}, seed ${seed}${shareOfLabels(labelFraction, ', ')}`,
          arm: name,
          settings: parseOptions(finetuneSettings, `compare: arm ${name}`, merged),
        }
      }),
    ),
  )
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
  ...['replicates', 'confidence', 'sliceSize', 'fit', 'skipUnreadable'],
])

/** Tells results that were made with the same settings, images and weights from others. */
export async function keyOf(
  settings: FinetuneSettings,
  fingerprint: string,
  hash: (path: string) => Promise<string> = hashFile,
): Promise<string> {
  const own = Object.entries(settings).filter(([name]) => !indifferent.has(name))
  const { weights } = settings
  const start = weights === undefined ? 'random' : await hash(weights)
  return createHash('sha256')
    .update(JSON.stringify([fingerprint, start, Object.fromEntries(own.sort())]))
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

  #key({ settings }: Cell): Promise<string> {
    return keyOf(settings, this.#fingerprint, (path) => {
      const known = this.#hashes.get(path) ?? hashFile(path)
      this.#hashes.set(path, known)
      return known
    })
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
