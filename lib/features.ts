// What to do with features once they are there: find like ones, and ask what a linear classifier can read off them.
import * as z from 'zod'
import { callEngine } from './call.js'
import { native, type LinearProbeResult, type Neighbours } from './native.js'
import { signal } from './options/encoder.js'
import { count } from './options/model.js'
import { parseOptions } from './options/parse.js'

const neighbourOptions = z.strictObject({
  dim: count.describe('width of a row'),
  k: count.default(1).describe('neighbours of each query'),
  excludesOwn: z.boolean().default(false).describe('query i is row i of the bank, and not its own neighbour'),
  signal,
})
export type NeighbourOptions = z.input<typeof neighbourOptions>

const linearProbeOptions = z.strictObject({
  dim: count.describe('width of a row'),
  classes: z.int().min(2).describe('that the labels tell apart'),
  l2: z.number().min(0).default(1e-3).describe('penalty on the squared weights'),
  iterations: count.default(1000).describe('at most'),
  signal,
})
export type LinearProbeOptions = z.input<typeof linearProbeOptions>

/**
 * The rows of `bank` [m, dim] that are most like each of `queries` [n, dim] by cosine, the nearest first. Both arrays
 * are lent to the engine until the promise settles.
 */
export async function nearestNeighbours(
  bank: Float32Array,
  queries: Float32Array,
  options: NeighbourOptions,
): Promise<Neighbours> {
  const { signal, ...own } = parseOptions(neighbourOptions, 'nearestNeighbours', options)
  return callEngine(nearestNeighbours, signal, (ticket) =>
    native().nearestNeighbours(bank, queries, own, ticket),
  )
}

/**
 * Softmax regression on the rows of `train` [n, dim] with `labels` [n], solved to its optimum, and its logits for the
 * rows of `test` [m, dim]. Features are standardised by the training rows; neither learning rate nor seed plays a part.
 * The arrays are lent to the engine until the promise settles.
 */
export async function linearProbe(
  train: Float32Array,
  labels: Int32Array,
  test: Float32Array,
  options: LinearProbeOptions,
): Promise<LinearProbeResult> {
  const { signal, ...own } = parseOptions(linearProbeOptions, 'linearProbe', options)
  return callEngine(linearProbe, signal, (ticket) => native().linearProbe(train, labels, test, own, ticket))
}
