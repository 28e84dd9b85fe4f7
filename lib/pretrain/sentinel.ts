// Watches for collapse: embeddings that no longer tell images apart, which the loss alone does not show for long.
import { GyrusError } from '../errors.js'
import type { EmbeddingHealth } from '../native.js'
import type { PretrainSettings } from '../options/pretrain.js'

export class CollapseSentinel {
  readonly #limits: PretrainSettings['collapse']
  #seen = 0

  constructor(limits: PretrainSettings['collapse']) {
    this.#limits = limits
  }

  /** Goes on behind as many bad looks as a checkpoint tells of. */
  restore(badLooks: number): void {
    this.#seen = badLooks
  }

  /**
   * Throws when the embeddings have been all alike for too many looks in a row, or are so at the end (`isLast`), where
   * no later look can acquit them. `checkpoint`: the last good one.
   */
  look(
    { std, effectiveRank }: EmbeddingHealth,
    step: number,
    checkpoint: string | undefined,
    isLast = false,
  ): void {
    const { std: leastStd, rank, checks } = this.#limits
    this.#seen = std < leastStd && effectiveRank < rank ? this.#seen + 1 : 0
    if (this.#seen < (isLast ? 1 : checks)) return
    const where =
      checkpoint === undefined
        ? 'there is no earlier checkpoint'
        : `the last good checkpoint is ${checkpoint}`
    throw new GyrusError(
      'ERR_GYRUS_COLLAPSED',
      `step ${step}: the embeddings have collapsed (standard deviation ${std.toFixed(4)}, effective rank ` +
        `${effectiveRank.toFixed(2)}); ${where}; lower baseLr, lengthen the warm-up, or raise batchSize (or, to keep ` +
        `such weights, set collapse.std to 0)`,
    )
  }

  /** In a row, up to now. */
  get badLooks(): number {
    return this.#seen
  }

  /** Whether what was seen last was good: only then is a checkpoint worth going back to. */
  get isGood(): boolean {
    return this.#seen === 0
  }
}
