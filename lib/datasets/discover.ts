// What lies below the roots: every file is offered to the adapters, and the first that knows its name claims it. So an
// archive is found wherever in the folder it begins, and several may lie side by side. Only where none is recognised is
// the root a plain folder. What is left out is told of, with the reason.
import { realpath, stat } from 'node:fs/promises'
import { basename, join, posix, resolve } from 'node:path'
import { throwIfAborted } from '../errors.js'
import { brats21 } from './brats21.js'
import { fastmri } from './fastmri.js'
import { folder, isVolumeLike } from './folder.js'
import { ixi } from './ixi.js'
import { oasis3 } from './oasis3.js'
import type { Adapter, Claim } from './adapter.js'
import {
  datasetNames,
  type DatasetName,
  type Discovery,
  type SkippedFile,
  type SkipReason,
  type VolumeSource,
} from './source.js'
import { walk } from './walk.js'

const adapters: readonly Adapter[] = [fastmri, oasis3, ixi, brats21]
const statsAtOnce = 64
/** One of these is always there while a folder holds shards. */
const ofRuns: readonly string[] = ['journal.jsonl.partial', 'curation.json']

export interface DiscoverOptions {
  /** Instead of finding out. */
  readonly dataset?: DatasetName
  /** Of the archives' own splits; the others are held out. Default: training, and archives without a split. */
  readonly parts?: readonly string[]
  /** Only these. */
  readonly contrasts?: readonly string[]
  readonly includeMra?: boolean
  readonly includeDti?: boolean
  /** The folder that is curated into: what lies there is no archive. */
  readonly out?: string
  readonly signal?: AbortSignal
}

interface Claimed {
  readonly dataset: DatasetName
  readonly path: string
  readonly claim: Claim
}

type Left = Pick<SkippedFile, 'path' | 'reason'>

/** The archives in each of the roots, in the order of the roots and of `datasetNames`. */
export async function discoverAll(
  roots: readonly string[],
  options: DiscoverOptions = {},
): Promise<Discovery[]> {
  const found: Discovery[] = []
  const places = new Set<string>()
  for (const root of roots) found.push(...(await discover(root, options, places)))
  return found
}

/**
 * The archives below one folder. `places` holds the files that were found before, and takes those of this folder.
 * Throws ERR_GYRUS_FILE_NOT_FOUND when there is no such folder.
 */
export async function discover(
  root: string,
  options: DiscoverOptions = {},
  places = new Set<string>(),
): Promise<Discovery[]> {
  const tree = await walk(root, options.signal)
  const fresh: string[] = []
  const left: Left[] = [
    ...tree.unreadable.map((path): Left => ({ path, reason: 'unreadable-folder' })),
    ...tree.misnamed
      .filter(({ path, isFolder }) => isFolder || isVolumeLike(path))
      .map(({ path }): Left => ({ path, reason: 'name-not-utf8' })),
    ...tree.broken.map((path): Left => ({ path, reason: 'broken-link' })),
    ...tree.special.filter(isVolumeLike).map((path): Left => ({ path, reason: 'no-file' })),
  ]
  const runOf = await curatedIn(root, tree.files, options.out)
  for (const path of tree.files) {
    const place = tree.places.get(path) ?? path
    const run = runOf(path)
    if (run === 'own') continue
    if (run === 'other') left.push({ path, reason: 'curated' })
    else if (!places.has(place)) fresh.push(path)
    else if (isVolumeLike(path)) left.push({ path, reason: 'same-file' })
    places.add(place)
  }
  const { claims, unclaimed } = claimAll(root, fresh, options.dataset)
  left.push(...unclaimed.filter(isVolumeLike).map((path): Left => ({ path, reason: 'unrecognised' })))
  const names = datasetNames.filter((name) => claims.some(({ dataset }) => dataset === name))
  if (names.length === 0) names.push(options.dataset ?? 'folder')
  const discoveries: Discovery[] = []
  for (const [at, dataset] of names.entries()) {
    const own = claims.filter((claimed) => claimed.dataset === dataset)
    discoveries.push(await collect(root, dataset, own, at === 0 ? left : [], options))
  }
  return discoveries
}

/**
 * Tells slices that curation wrote: 'own' lie in the folder that is curated into, 'other' beside the files of another
 * run. The root itself may be the folder of a run whose slices are asked for.
 */
async function curatedIn(
  root: string,
  files: readonly string[],
  out: string | undefined,
): Promise<(path: string) => 'own' | 'other' | undefined> {
  const place = async (folder: string): Promise<string> => realpath(folder).catch(() => resolve(folder))
  const outPlace = out === undefined ? undefined : await place(out)
  const all = new Set(files)
  const runs = new Map<string, 'own' | 'other'>()
  for (const folder of new Set(files.filter(isShard).map((path) => posix.dirname(path)))) {
    const isOther = folder !== '.' && ofRuns.some((name) => all.has(`${folder}/${name}`))
    if ((await place(join(root, folder))) === outPlace) runs.set(folder, 'own')
    else if (isOther) runs.set(folder, 'other')
  }
  return (path) => (isShard(path) ? runs.get(posix.dirname(path)) : undefined)
}

function isShard(path: string): boolean {
  return /^slices-\d{5,}\.npy$/.test(posix.basename(path))
}

function claimAll(
  root: string,
  files: readonly string[],
  dataset: DatasetName | undefined,
): { claims: Claimed[]; unclaimed: string[] } {
  const top = basename(resolve(root))
  const by = (asked: readonly Adapter[]): { claims: Claimed[]; unclaimed: string[] } => {
    const claims: Claimed[] = []
    const unclaimed: string[] = []
    for (const path of files) {
      const segments = [top, ...path.split('/')]
      let claim: Claim | undefined
      const adapter = asked.find((one) => (claim = one.claim(segments)) !== undefined)
      if (adapter === undefined || claim === undefined) unclaimed.push(path)
      else claims.push({ dataset: adapter.name, path, claim })
    }
    return { claims, unclaimed }
  }
  if (dataset !== undefined) return by([folder, ...adapters].filter(({ name }) => name === dataset))
  const found = by(adapters)
  return found.claims.length > 0 ? found : by([folder])
}

/** Why the options leave out a file that the adapter would take, or undefined. */
function exclusion(
  claim: Exclude<Claim, { skip: SkipReason }>,
  options: DiscoverOptions,
): SkipReason | undefined {
  const { contrast, part } = claim
  if (!(options.parts ?? ['train', '']).includes(part)) return 'held-out'
  if (contrast === 'mra' && options.includeMra !== true) return 'not-anatomical'
  if (contrast === 'dti' && options.includeDti !== true) return 'not-anatomical'
  return options.contrasts?.includes(contrast) === false ? 'contrast-excluded' : undefined
}

async function collect(
  root: string,
  dataset: DatasetName,
  claims: readonly Claimed[],
  left: readonly Left[],
  options: DiscoverOptions,
): Promise<Discovery> {
  const skipped: SkippedFile[] = left.map((file) => ({ dataset, root, ...file }))
  const taken: Omit<VolumeSource, 'bytes'>[] = []
  const paths = new Set(claims.map(({ path }) => path))
  for (const { path, claim } of claims) {
    const reason = 'skip' in claim ? claim.skip : (exclusion(claim, options) ?? duplicate(path, paths))
    if (reason !== undefined) skipped.push({ dataset, root, path, reason })
    else if (!('skip' in claim)) taken.push({ dataset, root, path, ...claim })
  }
  const volumes: VolumeSource[] = []
  for (let at = 0; at < taken.length; at += statsAtOnce) {
    throwIfAborted(options.signal)
    const some = taken.slice(at, at + statsAtOnce)
    // A file that vanished meanwhile is met again when it is read, and told of then.
    const sizes = await Promise.all(
      some.map(({ path }) =>
        stat(join(root, path)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    )
    volumes.push(...some.map((source, i) => ({ ...source, bytes: sizes[i] ?? 0 })))
  }
  return { dataset, root, volumes, skipped }
}

/** The same volume packed and unpacked side by side counts once. */
function duplicate(path: string, paths: ReadonlySet<string>): SkipReason | undefined {
  return path.endsWith('.gz') && paths.has(path.slice(0, -3)) ? 'duplicate-format' : undefined
}
