// Labelled slices, ready for the engine: which rows of which shards, their classes, parts and patients.
import { createHash } from 'node:crypto'
import type { CuratedSlices } from '../slices/curated.js'
import { readLabels } from '../slices/labels.js'
import type { Part } from './found.js'

export interface LabelledSet {
  readonly shards: readonly string[]
  readonly classes: readonly string[]
  /** Of each item: its row in the shards, its class, and so on. */
  readonly rows: Uint32Array
  readonly labels: Int32Array
  readonly parts: readonly (Part | '')[]
  /** '' where nobody knows. */
  readonly patients: readonly string[]
  /** For people: a path, or a subject with a slice's number. */
  readonly names: readonly string[]
  /** Of the images and their labels. */
  readonly fingerprint: string
  readonly warnings: readonly string[]
}

/** A curated folder with a table of labels. Its held-out subjects ('val') are what is tested on. */
export async function labelCurated(slices: CuratedSlices, labelFile: string): Promise<LabelledSet> {
  const { classes, rows, labels } = await readLabels(labelFile, slices)
  const { facts } = slices
  const fact = (name: keyof typeof facts, row: number): string => facts[name][row] ?? ''
  const list = [...rows]
  const hasHeldOut = list.some((row) => fact('split', row) === 'val')
  return {
    shards: slices.shards,
    classes,
    rows,
    labels,
    parts: list.map((row) => (!hasHeldOut ? '' : fact('split', row) === 'val' ? 'test' : 'train')),
    patients: list.map((row) => `${fact('dataset', row)}/${fact('subject', row)}`),
    names: list.map(
      (row) =>
        `${fact('dataset', row)}/${fact('subject', row)} ${fact('contrast', row)}, slice ${fact('index', row)}`,
    ),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([slices.fingerprint, classes, list, [...labels]]))
      .digest('hex'),
    warnings: [],
  }
}
