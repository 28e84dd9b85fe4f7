// A small seeded generator for the demo's pictures (SplitMix32): the same seed gives the same cohort everywhere.

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  }

  /** Uniform in [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.unit()
  }

  integer(below: number): number {
    return Math.floor(this.unit() * below)
  }

  /** Standard normal, by Box-Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
  }

  /** `count` distinct integers below `below`. */
  sample(count: number, below: number): number[] {
    const pool = Array.from({ length: below }, (_, index) => index)
    for (let i = 0; i < count; i += 1) {
      const j = i + this.integer(below - i)
      ;[pool[i], pool[j]] = [pool[j] ?? j, pool[i] ?? i]
    }
    return pool.slice(0, count)
  }
}
