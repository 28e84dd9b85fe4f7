// One linear probe: features of all images once, then softmax regression solved to its optimum. Features of a backbone
// are the same for every seed and fraction, so they are kept while the backbone is.
import { Encoder } from '../../encoder.js'
import { linearProbe } from '../../features.js'
import type { FinetuneSettings } from '../../options/classify.js'
import type { LinearProbeResult } from '../../native.js'
import { embedAll } from '../../slices/embed.js'
import { SupervisedTrainer } from '../../supervised-trainer.js'
import { ViewLoader } from '../../view-loader.js'
import type { CellData, Side } from './data.js'
import type { CellOutcome } from './train-cell.js'

/** What decides features, in words. */
function keyOf(settings: FinetuneSettings): string {
  const { arch, heads, imageSize, channels, mean, std, testSide, weights, seed } = settings
  return JSON.stringify([arch, heads, imageSize, channels, mean, std, testSide, weights ?? seed])
}

export class FeatureCache {
  #key = ''
  #dim = 0
  #info = { device: '', precision: '' }
  readonly #rows = new Map<number, Float32Array>()

  /** Features [n, dim] of the rows. */
  async of(
    settings: FinetuneSettings,
    shards: readonly string[],
    side: Side,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const key = keyOf(settings)
    if (key !== this.#key) this.#rows.clear()
    this.#key = key
    const missing = side.rows.filter((row) => !this.#rows.has(row))
    if (missing.length > 0) await this.#embed(settings, shards, missing, signal)
    const features = new Float32Array(side.rows.length * this.#dim)
    side.rows.forEach((row, at) => {
      features.set(this.#rows.get(row) ?? [], at * this.#dim)
    })
    return features
  }

  get dim(): number {
    return this.#dim
  }

  get info(): { device: string; precision: string } {
    return this.#info
  }

  async #embed(
    settings: FinetuneSettings,
    shards: readonly string[],
    rows: Uint32Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { arch, heads, imageSize, channels, mean, std, weights, seed, device, precision, threads } =
      settings
    const { loaderThreads, testSide, batchSize } = settings
    const start = weights === undefined ? { seed } : { weights }
    await using views = await ViewLoader.open({
      shards,
      imageSize,
      channels,
      mean,
      std,
      threads: loaderThreads,
    })
    await using encoder = await Encoder.load({
      ...{ arch, heads, imageSize, channels, device, precision, threads },
      ...start,
    })
    const elements = channels * imageSize ** 2
    const features = await embedAll(encoder, views, rows, { batchSize, elements, side: testSide, signal })
    this.#dim = encoder.dim
    this.#info = { device: encoder.info.device, precision: encoder.info.precision }
    rows.forEach((row, at) => this.#rows.set(row, features.slice(at * encoder.dim, (at + 1) * encoder.dim)))
  }
}

/** A softmax regression: weights [classes, dim] and bias [classes]. */
export type Classifier = Pick<LinearProbeResult, 'weights' | 'bias'>

export async function linearCell(
  settings: FinetuneSettings,
  data: CellData,
  cache: FeatureCache,
  signal?: AbortSignal,
): Promise<{ outcome: CellOutcome; classifier: Classifier }> {
  const train = await cache.of(settings, data.shards, data.train, signal)
  const test = await cache.of(settings, data.shards, data.test, signal)
  const { logits, ...classifier } = await linearProbe(train, data.train.labels, test, {
    dim: cache.dim,
    classes: data.classes,
    l2: settings.l2,
    signal,
  })
  return { outcome: { logits, curve: [], bestEpoch: 0, ...cache.info }, classifier }
}

/** Writes the backbone with the classifier behind it, as a fine-tuning leaves its model. */
export async function saveLinear(
  settings: FinetuneSettings,
  classes: number,
  { weights, bias }: Classifier,
  path: string,
): Promise<void> {
  const { arch, heads, imageSize, channels, seed, threads } = settings
  await using trainer = await SupervisedTrainer.create({
    ...{ arch, heads, imageSize, channels, seed, threads, classes },
    ...{ isBackboneFrozen: true, batchSize: 2, device: 'cpu', precision: 'f32' },
  })
  if (settings.weights !== undefined) await trainer.loadBackbone(settings.weights)
  await trainer.setClassifier(weights, bias)
  await trainer.save(path)
}
