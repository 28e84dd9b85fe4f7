// ViewLoader: two augmented views of each slice of a batch, made from curated shards by threads of its own.
import { callEngine } from './call.js'
import { native, type ViewFeed, type NativeViewLoader, type ViewLoaderInfo } from './native.js'
import { callOptions, type CallOptions } from './options/encoder.js'
import { parseOptions } from './options/parse.js'
import {
  fillOptions,
  perChannel,
  plainOptions,
  viewLoaderOptions,
  type ChannelNumbers,
  type FillOptions,
  type PlainOptions,
  type ViewLoaderOptions,
} from './options/view-loader.js'
import { toNativeView } from './options/views.js'

/** What a loader's views are, whatever is drawn for them. */
export interface ViewForm {
  readonly imageSize: number
  readonly channels: number
  readonly mean: ChannelNumbers
  readonly std: ChannelNumbers
}

/** One pair for all channels where they are alike: then the first is copied. */
function numbersOf(mean: ChannelNumbers, std: ChannelNumbers): { means: Float32Array; stds: Float32Array } {
  const count = typeof mean === 'number' && typeof std === 'number' ? 1 : 3
  return { means: perChannel(mean, count), stds: perChannel(std, count) }
}

/**
 * Views are a function of the seed, the epoch and the slice: neither threads nor restarts change them. Calls run in
 * order on a thread of their own, two at most may be under way. Arrays are lent until the promise settles.
 */
export class ViewLoader implements AsyncDisposable {
  readonly #native: NativeViewLoader
  readonly info: ViewLoaderInfo
  readonly form: ViewForm
  #disposal: Promise<void> | undefined

  private constructor(loader: NativeViewLoader, info: ViewLoaderInfo, form: ViewForm) {
    this.#native = loader
    this.info = info
    this.form = form
  }

  static async open(options: ViewLoaderOptions, call: CallOptions = {}): Promise<ViewLoader> {
    const { rows, views, mean, std, ...given } = parseOptions(viewLoaderOptions, 'ViewLoader.open', options)
    const { signal } = parseOptions(callOptions, 'ViewLoader.open', call)
    const [view1, view2] = [toNativeView(views[0]), toNativeView(views[1])]
    const request = { ...given, rows: rows ?? new Uint32Array(0), ...numbersOf(mean, std), view1, view2 }
    const loader = new (native().ViewLoader)()
    try {
      const info = await callEngine(ViewLoader.open, signal, (ticket) => loader.open(request, ticket))
      const { imageSize, channels } = given
      return new ViewLoader(loader, info, { imageSize, channels, mean, std })
    } catch (error) {
      await loader.dispose()
      throw error
    }
  }

  /**
   * The views of a step's batch into `x1` and `x2`, [batchSize, channels, imageSize, imageSize] each. Steps count from
   * 0 and go through as many epochs as they reach. With `part` of `parts`, that share of the batch alone, in order.
   * Returns the seconds that it took.
   */
  async fill(step: number, x1: Float32Array, x2: Float32Array, options: FillOptions = {}): Promise<number> {
    const { part, parts, signal } = parseOptions(fillOptions, 'ViewLoader.fill', options)
    return callEngine(this.fill, signal, (ticket) => this.#native.fill(step, x1, x2, part, parts, ticket))
  }

  /**
   * Sends that batch's slices, and what is drawn for their views, to the device of the trainer that opened `feed`,
   * which makes the same views there. Two batches, or parts, may be on their way; a third is ERR_GYRUS_BUSY until the
   * trainer has taken the first. Returns the seconds that it took.
   */
  async feed(step: number, feed: ViewFeed, options: FillOptions = {}): Promise<number> {
    const { part, parts, signal } = parseOptions(fillOptions, 'ViewLoader.feed', options)
    return callEngine(this.feed, signal, (ticket) => this.#native.feed(step, feed, part, parts, ticket))
  }

  /** The first of the two views alone, into `x`. */
  async fillFirst(step: number, x: Float32Array, options: CallOptions = {}): Promise<void> {
    const { signal } = parseOptions(callOptions, 'ViewLoader.fillFirst', options)
    return callEngine(this.fillFirst, signal, (ticket) => this.#native.fillFirst(step, x, ticket))
  }

  /** The rows of a step's batch, in its order. */
  rowsOf(step: number): Promise<Uint32Array> {
    return callEngine(this.rowsOf, undefined, () => this.#native.rowsOf(step))
  }

  /**
   * Slices, resized and normalised but not augmented, into `x`, [rows, channels, imageSize, imageSize]: whole, or the
   * square in their middle that has `side` of their side.
   */
  async plain(rows: Uint32Array, x: Float32Array, options: PlainOptions = {}): Promise<void> {
    const { signal, side } = parseOptions(plainOptions, 'ViewLoader.plain', options)
    return callEngine(this.plain, signal, (ticket) => this.#native.plain(rows, side, x, ticket))
  }

  /** Frees everything, after the calls under way. Calling it again waits for the same end. */
  dispose(): Promise<void> {
    this.#disposal ??= callEngine(this.dispose, undefined, () => this.#native.dispose())
    return this.#disposal
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}
