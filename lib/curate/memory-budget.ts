// How many bytes of volumes are in memory at once, however many readers there are: each waits until there is room.

export class MemoryBudget {
  readonly total: number
  #left: number
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = []

  constructor(total: number) {
    this.total = total
    this.#left = total
  }

  /**
   * Settles when there is room for `bytes`, first come, first served, with what gives them back. What is more than the
   * whole budget waits until nothing else is at work, and then goes alone.
   */
  async take(bytes: number): Promise<() => void> {
    const own = Math.min(bytes, this.total)
    await new Promise<void>((start) => {
      this.#waiting.push({ bytes: own, start })
      this.#startSome()
    })
    return () => {
      this.#left += own
      this.#startSome()
    }
  }

  #startSome(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.bytes <= this.#left;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      this.#left -= next.bytes
      next.start()
    }
  }
}
