// What a backbone knows about tumours that nobody told it of: a linear probe on its frozen features, subjects apart.
import { Encoder } from '../encoder.js'
import { linearProbe } from '../features.js'
import { balancedAccuracy, confusionMatrix, predictedClasses, type Confusion } from '../metrics/confusion.js'
import type { PretrainSettings } from '../options/pretrain.js'
import { readCurated } from '../slices/curated.js'
import { embedAll } from '../slices/embed.js'
import { readLabels } from '../slices/labels.js'
import { ViewLoader } from '../view-loader.js'

const batchSize = 64

export interface ProbeResult {
  readonly classes: readonly string[]
  readonly trained: number
  readonly tested: number
  /** Mean over the classes of the share of their test slices that are recognised: 1 / classes by guessing. */
  readonly balancedAccuracy: number
  /** Share of all test slices. */
  readonly accuracy: number
  /** [truth][found]: how many test slices. */
  readonly confusion: Confusion
}

type Network = Pick<PretrainSettings, 'arch' | 'imageSize' | 'channels' | 'mean' | 'std'>

/** Learns on the training slices with a label, and asks about the validation slices: other subjects. */
export async function probeBackbone(
  weights: string,
  network: Network,
  data: string,
  labelFile: string,
): Promise<ProbeResult> {
  const { arch, imageSize, channels, mean, std } = network
  const slices = await readCurated(data)
  const { classes, rows, labels } = await readLabels(labelFile, slices)
  const { shards } = slices
  await using views = await ViewLoader.open({ shards, imageSize, channels, mean, std })
  await using encoder = await Encoder.load({ weights, arch, imageSize, channels })
  const elements = channels * imageSize ** 2
  const side = (split: string): { rows: Uint32Array; labels: Int32Array } => {
    const places = [...rows.keys()].filter((place) => slices.facts.split[rows[place] ?? 0] === split)
    return {
      rows: Uint32Array.from(places, (place) => rows[place] ?? 0),
      labels: Int32Array.from(places, (place) => labels[place] ?? 0),
    }
  }
  const [train, test] = [side('train'), side('val')]
  const features = await embedAll(encoder, views, train.rows, { batchSize, elements })
  const asked = await embedAll(encoder, views, test.rows, { batchSize, elements })
  const { logits } = await linearProbe(features, train.labels, asked, {
    dim: encoder.dim,
    classes: classes.length,
  })
  const found = predictedClasses(logits, classes.length)
  const confusion = confusionMatrix(test.labels, found, classes.length)
  const hits = test.labels.reduce((sum, label, at) => sum + (label === found[at] ? 1 : 0), 0)
  return {
    classes,
    trained: train.rows.length,
    tested: test.rows.length,
    balancedAccuracy: balancedAccuracy(confusion),
    accuracy: hits / test.labels.length,
    confusion,
  }
}
