// Encoder: images in, feature vectors out.
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import { native, type LoadReport, type NativeEncoder, type NativeTicket, type SessionInfo } from './native.js'
import {
  callOptions,
  embedFileOptions,
  encoderOptions,
  saveEncoderOptions,
  type CallOptions,
  type EmbedFileOptions,
  type EncoderOptions,
  type SaveEncoderOptions,
} from './options/encoder.js'
import { toNativeDevice, toNativeEncoder, toNativeFacts } from './options/model.js'
import { parseOptions } from './options/parse.js'

const progressInterval = 100 // ms

/** A backbone with its weights. Calls run in order on a thread of their own; at most two may be under way. */
export class Encoder implements AsyncDisposable {
  readonly #native: NativeEncoder
  #disposal: Promise<void> | undefined
  /** What was chosen for this encoder. */
  readonly info: SessionInfo
  /** How the file of weights fitted; its lists are empty after a random initialisation. */
  readonly loadReport: LoadReport

  readonly #channels: 1 | 3

  private constructor(encoder: NativeEncoder, info: SessionInfo, loadReport: LoadReport, channels: 1 | 3) {
    this.#native = encoder
    this.info = info
    this.loadReport = loadReport
    this.#channels = channels
  }

  static async load(options: EncoderOptions, call: CallOptions = {}): Promise<Encoder> {
    const given = parseOptions(encoderOptions, 'Encoder.load', options)
    const { signal } = parseOptions(callOptions, 'Encoder.load', call)
    const encoder = new (native().Encoder)()
    const request = {
      encoder: toNativeEncoder(given),
      device: toNativeDevice(given),
      weights: given.weights ?? '',
      seed: given.seed ?? 0,
    }
    try {
      const opened = await callEngine(Encoder.load, signal, (ticket) => encoder.open(request, ticket))
      return new Encoder(encoder, opened.info, opened.loadReport, given.channels === 1 ? 1 : 3)
    } catch (error) {
      await encoder.dispose()
      throw error
    }
  }

  /** The width of a feature vector. */
  get dim(): number {
    return this.info.featureDim
  }

  /**
   * Features of normalised images: [N, C, H, W] in, [N, dim] out, both row-major. Until the promise settles, `x` is
   * lent to the engine: do not write to it, transfer it, or pass it to another call.
   */
  async embed(x: Float32Array, options: CallOptions = {}): Promise<Float32Array> {
    const { signal } = parseOptions(callOptions, 'Encoder.embed', options)
    return callEngine(this.embed, signal, (ticket) => this.#native.embed(x, ticket))
  }

  /**
   * Features of a .npy file [N, C, H, W] into another, float32 [N, dim], chunk by chunk. The output appears when it
   * is complete. Returns N.
   */
  async embedFile(input: string, output: string, options: EmbedFileOptions = {}): Promise<number> {
    if (typeof input !== 'string')
      throw invalidOption('Encoder.embedFile: input', 'the path of a .npy file', input)
    if (typeof output !== 'string') throw invalidOption('Encoder.embedFile: output', 'a path', output)
    const { signal, batchSize, onProgress } = parseOptions(embedFileOptions, 'Encoder.embedFile', options)
    const watched = signal ?? (onProgress === undefined ? undefined : new AbortController().signal)
    let timer: NodeJS.Timeout | undefined
    try {
      return await callEngine(this.embedFile, watched, (ticket) => {
        if (ticket !== undefined && onProgress !== undefined) timer = report(ticket, onProgress)
        return this.#native.embedFile(input, output, batchSize, ticket)
      })
    } finally {
      clearInterval(timer)
    }
  }

  /**
   * Writes the encoder, without a head, for other libraries: as safetensors under their names, whose metadata say
   * which network it is (arch, heads, image_size, channels, and mean and std where given), or as an ONNX model
   * (opset 17) with the input `images` [batch, C, H, W] and the output `features` [batch, dim]. An encoder of one
   * channel can be written for three: it then has the same features of a grey image that is given thrice.
   */
  async save(path: string, options: SaveEncoderOptions = {}): Promise<void> {
    if (typeof path !== 'string') throw invalidOption('Encoder.save: path', 'a path', path)
    const {
      form,
      channels = this.#channels,
      mean,
      std,
    } = parseOptions(saveEncoderOptions, 'Encoder.save', options)
    const facts = toNativeFacts({ mean, std })
    return callEngine(this.save, undefined, () => this.#native.save(path, form, channels, facts))
  }

  /** Frees everything, after the calls under way. Calling it again waits for the same end. */
  async dispose(): Promise<void> {
    this.#disposal ??= callEngine(this.dispose, undefined, () => this.#native.dispose())
    return this.#disposal
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }
}

function report(ticket: NativeTicket, onProgress: (done: number, total: number) => void): NodeJS.Timeout {
  return setInterval(() => {
    const { done, total } = ticket.progress()
    if (total > 0) onProgress(done, total)
  }, progressInterval)
}
