// The thread that writes the manifest. Where each volume's share is its own, rows are written as volumes are committed,
// and at the end of a run of millions of slices little is left to do. Where a total is kept, they wait for the end.
import { inStacks } from './image-stack.js'
import type { Extracted, Measured, Unreadable } from './journal.js'
import { ManifestWriter } from './manifest.js'
import { conclude, judgeStack, RowMaker, type JudgedVolume } from './result.js'
import { serveWriter, type Run } from './writer-thread.js'

class Manifest {
  readonly #run: Run
  readonly #rows: RowMaker
  readonly #stacks: Iterator<Run['volumes']>
  #writer: ManifestWriter | undefined
  #stack: Run['volumes'] | undefined
  /** Entries that no row was written of yet. */
  #waiting: (Measured | Unreadable)[] = []

  constructor(run: Run) {
    this.#run = run
    this.#rows = new RowMaker(run.settings)
    this.#stacks = inStacks(run.volumes, (source) => source)[Symbol.iterator]()
  }

  /** The next volume's entry, as it was committed. */
  async take(entry: Measured | Unreadable): Promise<void> {
    this.#waiting.push(entry)
    if (this.#run.settings.keep !== undefined) return
    this.#stack ??= (this.#stacks.next() as IteratorYieldResult<Run['volumes']>).value
    const stack = this.#stack.flatMap((source, at) => {
      const own = this.#waiting[at]
      return own === undefined ? [] : [{ source, entry: own }]
    })
    if (stack.length < this.#stack.length) return
    this.#stack = undefined
    this.#waiting = []
    await this.#write(judgeStack(stack, this.#run.settings))
  }

  async finish(second: readonly (Extracted | Unreadable)[]): Promise<void> {
    const { settings, volumes } = this.#run
    if (settings.keep !== undefined) await this.#write(conclude(volumes, this.#waiting, second, settings))
    await this.#open().finish()
  }

  #open(): ManifestWriter {
    this.#writer ??= new ManifestWriter(this.#run.path)
    return this.#writer
  }

  async #write(judged: readonly JudgedVolume[]): Promise<void> {
    const writer = this.#open()
    for (const one of judged) {
      for (const row of this.#rows.rowsOf(one)) if (writer.add(row)) await writer.flush()
    }
  }
}

serveWriter((run) => new Manifest(run))
