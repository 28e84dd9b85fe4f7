// Asks at each checkpoint what the backbone has learned: do the most similar slices of other subjects share a slice's
// label? The bank is the labelled training slices; the questions are the validation slices', or, where there are none,
// the bank's own.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Encoder } from '../encoder.js'
import { nearestNeighbours } from '../features.js'
import type { ContrastiveTrainer } from '../contrastive-trainer.js'
import type { PretrainSettings } from '../options/pretrain.js'
import type { CuratedSlices } from '../slices/curated.js'
import { embedAll } from '../slices/embed.js'
import { readLabels, type LabelledSlices } from '../slices/labels.js'
import type { ViewLoader } from '../view-loader.js'

const batchSize = 64

export class NeighbourProbe {
  readonly #settings: PretrainSettings
  readonly #views: ViewLoader
  readonly #slices: CuratedSlices
  readonly #labelled: LabelledSlices

  private constructor(
    settings: PretrainSettings,
    slices: CuratedSlices,
    views: ViewLoader,
    labelled: LabelledSlices,
  ) {
    this.#settings = settings
    this.#slices = slices
    this.#views = views
    this.#labelled = labelled
  }

  static async open(
    settings: PretrainSettings,
    slices: CuratedSlices,
    views: ViewLoader,
  ): Promise<NeighbourProbe | undefined> {
    if (settings.probe === undefined) return undefined
    return new NeighbourProbe(settings, slices, views, await readLabels(settings.probe.labels, slices))
  }

  /** Balanced accuracy of the neighbours' vote: the mean over the labels of the share that is answered rightly. */
  async measure(trainer: ContrastiveTrainer): Promise<number> {
    const { arch, imageSize, channels, heads, device, precision, threads, out, probe } = this.#settings
    const weights = join(out, 'probe.safetensors.partial')
    await trainer.saveBackbone(weights, { channels })
    const encoder = await Encoder.load({
      weights,
      arch,
      imageSize,
      channels,
      heads,
      device,
      precision,
      threads,
    })
    try {
      const options = { batchSize, elements: channels * imageSize ** 2 }
      const features = await embedAll(encoder, this.#views, this.#labelled.rows, options)
      return await this.#vote(features, encoder.dim, probe?.neighbours ?? 1)
    } finally {
      await encoder.dispose()
      await rm(weights, { force: true })
    }
  }

  async #vote(features: Float32Array, dim: number, neighbours: number): Promise<number> {
    const { rows, labels, classes } = this.#labelled
    const { split, dataset, subject } = this.#slices.facts
    const places = [...rows.keys()]
    const held = places.filter((place) => split[rows[place] ?? 0] === 'val')
    const asked = held.length > 0 ? held : places
    const bank = held.length > 0 ? places.filter((place) => split[rows[place] ?? 0] !== 'val') : places
    const person = (place: number): string => `${dataset[rows[place] ?? 0]}/${subject[rows[place] ?? 0]}`
    // Of the same subject's slices at most these lie before the first of another's.
    const own = held.length > 0 ? 0 : mostOfOne(places.map(person))
    const k = Math.min(bank.length, neighbours + own)
    const [bankRows, queries] = [pickRows(features, bank, dim), pickRows(features, asked, dim)]
    const { indices, similarities } = await nearestNeighbours(bankRows, queries, { dim, k })
    const hits = new Float64Array(classes.length)
    const counts = new Float64Array(classes.length)
    asked.forEach((place, query) => {
      const votes = new Float64Array(classes.length)
      let counted = 0
      for (let at = query * k; at < (query + 1) * k && counted < neighbours; at += 1) {
        const other = bank[indices[at] ?? 0] ?? 0
        if (person(other) === person(place)) continue
        counted += 1
        const label = labels[other] ?? 0
        votes[label] = (votes[label] ?? 0) + Math.exp((similarities[at] ?? 0) / temperature)
      }
      const label = labels[place] ?? 0
      counts[label] = (counts[label] ?? 0) + 1
      if (votes.indexOf(Math.max(...votes)) === label) hits[label] = (hits[label] ?? 0) + 1
    })
    const recalls = [...hits].flatMap((hit, label) =>
      (counts[label] ?? 0) > 0 ? [hit / (counts[label] ?? 1)] : [],
    )
    return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length
  }
}

/** Of the votes' weights exp(similarity / temperature): Wu et al. 2018. */
const temperature = 0.07

function pickRows(features: Float32Array, places: readonly number[], dim: number): Float32Array {
  const picked = new Float32Array(places.length * dim)
  places.forEach((place, at) => {
    picked.set(features.subarray(place * dim, (place + 1) * dim), at * dim)
  })
  return picked
}

function mostOfOne(names: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Math.max(...counts.values())
}
