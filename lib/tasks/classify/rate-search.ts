// A cell with several learning rates: each is trained, and the one that is best on the validation images is the cell's
// (science.md E6). The test images take no part in the choice.
import { isGyrusError } from '../../errors.js'
import type { FinetuneSettings } from '../../options/classify.js'
import type { CellData } from './data.js'
import type { Epoch } from './events.js'
import { isBetter, trainCell, type CellOptions, type CellOutcome } from './train-cell.js'

/** What became of one learning rate: its best epoch on the validation images, or why there is none. */
export type TriedRate =
  { readonly lr: number; readonly best: Epoch } | { readonly lr: number; readonly failure: string }

export interface SearchedOutcome extends CellOutcome {
  readonly lr: number
  readonly tried: readonly TriedRate[]
}

/** Yields each epoch as it ends, with its run's learning rate. A rate that diverges loses; if all do, it throws. */
export async function* searchRate(
  settings: FinetuneSettings,
  lrs: readonly number[],
  data: CellData,
  options: CellOptions,
): AsyncGenerator<Epoch & { best: number; rate: number }, SearchedOutcome> {
  const tried: TriedRate[] = []
  let chosen: { lr: number; best: Epoch; outcome: CellOutcome } | undefined
  let lastFailure: unknown
  for (const lr of lrs) {
    try {
      const outcome = yield* withRate(trainCell({ ...settings, lr }, data, options), lr)
      const best = outcome.curve[outcome.bestEpoch - 1]
      if (best === undefined) throw new Error('a training without epochs')
      tried.push({ lr, best })
      if (chosen === undefined || isBetter(settings, best, chosen.best)) chosen = { lr, best, outcome }
    } catch (error) {
      if (!isGyrusError(error) || error.code !== 'ERR_GYRUS_NON_FINITE') throw error
      tried.push({ lr, failure: error.message })
      lastFailure = error
    }
  }
  if (chosen === undefined) throw lastFailure
  return { ...chosen.outcome, lr: chosen.lr, tried }
}

async function* withRate(
  epochs: AsyncGenerator<Epoch & { best: number }, CellOutcome>,
  rate: number,
): AsyncGenerator<Epoch & { best: number; rate: number }, CellOutcome> {
  for (;;) {
    const next = await epochs.next()
    if (next.done === true) return next.value
    yield { ...next.value, rate }
  }
}
