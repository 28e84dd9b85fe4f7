// Seeded random numbers by counter: a generator belongs to a path of words (seed, dataset, subject, purpose), so
// what one subject or one replicate draws never depends on who was drawn before. The words are hashed (FNV-1a, then
// Murmur3's finish), the numbers are sfc32's (Doty-Humphrey's small fast counting generator).

export class Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(...words: readonly (string | number)[]) {
    const path = words.join('/')
    this.#a = hash(path, 0x811c9dc5)
    this.#b = hash(path, 0x9e3779b9)
    this.#c = hash(path, 0x85ebca6b)
    for (let i = 0; i < 12; i += 1) this.bits()
  }

  /** 32 random bits. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.bits() / 2 ** 32
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.unit()
  }

  integer(below: number): number {
    return Math.floor(this.unit() * below)
  }

  sign(): number {
    return this.bits() % 2 === 0 ? 1 : -1
  }

  /** Standard normal, by Box-Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
  }
}

function hash(text: string, basis: number): number {
  let state = basis
  for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return state ^ (state >>> 16)
}

/** The item at an index that is known to be in the list. */
export function pick<Item>(items: ArrayLike<Item>, at: number): Item {
  const item = items[at]
  if (item === undefined) throw new RangeError(`there are ${items.length} items, none at ${at}`)
  return item
}
