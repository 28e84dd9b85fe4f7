// pretrain(): curated slices in, an encoder out, in a run folder that survives any crash. README.md says what the files
// hold.
import { join } from 'node:path'
import { abortError, GyrusError, isGyrusError } from '../errors.js'
import type { ContrastiveTrainer } from '../contrastive-trainer.js'
import { parseOptions } from '../options/parse.js'
import {
  pretrainCallOptions,
  type PretrainCallOptions,
  type PretrainConfig,
  type PretrainSettings,
} from '../options/pretrain.js'
import { ViewLoader } from '../view-loader.js'
import { Checkpoints, type Checkpoint } from './checkpoints.js'
import { resolveConfig } from './config.js'
import { openTrainer, openViews } from './engine.js'
import type { PretrainEvent, StepMetrics } from './events.js'
import { Feeder } from './feeder.js'
import { RunLog } from './log.js'
import { NeighbourProbe } from './probe.js'
import { openRunFolder } from './run-folder.js'
import { chanceLoss, encoderMomentumAt, learningRateAt, makeSchedule, type Schedule } from './schedule.js'
import { CollapseSentinel } from './sentinel.js'
import { augmentedOn } from './view-source.js'
import { readCurated, type CuratedSlices } from '../slices/curated.js'

const stateName = 'state.safetensors'
const backboneName = 'backbone.safetensors'

/**
 * Pretrains into a run folder. Runs as the iterator is consumed; ends with a `done` event. Aborting the signal ends
 * after the step under way and a checkpoint; with `resume`, the same call continues later, to the same bits on the
 * same machine with the same number of threads.
 */
export async function* pretrain(
  config: PretrainConfig,
  call: PretrainCallOptions = {},
): AsyncGenerator<PretrainEvent> {
  const { signal, ...options } = parseOptions(pretrainCallOptions, 'pretrain', call)
  const settings = resolveConfig(config)
  const slices = await readCurated(settings.data)
  const views = await openViews(settings, slices, signal)
  const opened: AsyncDisposable[] = [views]
  try {
    const schedule = makeSchedule(settings, views.info.stepsPerEpoch)
    const probe = await NeighbourProbe.open(settings, slices, views)
    const folder = await openRunFolder({ settings, fingerprint: slices.fingerprint }, options)
    opened.push({ [Symbol.asyncDispose]: folder.close })
    const trainer = await openTrainer(settings, signal)
    opened.push(trainer)
    await folder.begin()
    const run = new Run({ settings, slices, views, schedule, trainer, probe })
    opened.push(run)
    yield* run.work(folder.isContinued, signal)
  } finally {
    for (const one of opened.reverse()) await one[Symbol.asyncDispose]()
  }
}

interface Parts {
  readonly settings: PretrainSettings
  readonly slices: CuratedSlices
  readonly views: ViewLoader
  readonly schedule: Schedule
  readonly trainer: ContrastiveTrainer
  readonly probe: NeighbourProbe | undefined
}

class Run implements AsyncDisposable {
  readonly #parts: Parts
  readonly #checkpoints: Checkpoints
  readonly #sentinel: CollapseSentinel
  readonly #start = performance.now()
  #log: RunLog | undefined
  /** The last checkpoint whose embeddings looked alive. */
  #good: Checkpoint | undefined
  #lastTime = performance.now()
  /** Seconds of a step, smoothed. */
  #pace = NaN

  constructor(parts: Parts) {
    const { out, keepCheckpoints, collapse } = parts.settings
    this.#parts = parts
    this.#checkpoints = new Checkpoints(out, keepCheckpoints)
    this.#sentinel = new CollapseSentinel(collapse)
  }

  async *work(isContinued: boolean, signal: AbortSignal | undefined): AsyncGenerator<PretrainEvent> {
    const resumed = isContinued ? yield* this.#restore() : 0
    const { settings, schedule, views, trainer } = this.#parts
    this.#log = await RunLog.open(settings.out, resumed, settings.batchSize)
    const { device, precision, threads } = trainer.info
    const { steps, stepsPerEpoch } = schedule
    const chosen = { device, precision, threads, augmentedOn: augmentedOn(trainer) }
    const chance = chanceLoss(settings)
    yield { type: 'start', steps, stepsPerEpoch, resumed, slices: views.info.samples, ...chosen, chance }
    yield* this.#train(this.#log, resumed, signal)
    yield {
      type: 'done',
      out: settings.out,
      steps,
      backbone: join(settings.out, backboneName),
      report: await this.#report(),
      seconds: (performance.now() - this.#start) / 1000,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log?.close()
  }

  /** Returns the steps that are done. */
  async *#restore(): AsyncGenerator<PretrainEvent, number> {
    const { settings, trainer } = this.#parts
    const checkpoints = await this.#checkpoints.newest()
    const { found, good, damaged } = checkpoints
    for (const problem of damaged)
      yield { type: 'warning', message: `a damaged checkpoint is left out: ${problem}` }
    if (found === undefined && damaged.length > 0)
      throw new GyrusError(
        'ERR_GYRUS_FILE_FORMAT',
        `${settings.out} has no whole checkpoint (${damaged.join('; ')}): start anew with overwrite`,
      )
    if (found === undefined) return 0
    await trainer.loadState(join(found.path, stateName))
    await this.#checkpoints.settle(checkpoints, backboneName)
    this.#sentinel.restore(found.badLooks)
    this.#good = good
    return found.step
  }

  async *#train(log: RunLog, done: number, signal: AbortSignal | undefined): AsyncGenerator<PretrainEvent> {
    const { settings, schedule, views, trainer, probe } = this.#parts
    const { steps, saveEvery } = schedule
    const feeder = await Feeder.open(views, trainer, settings, done, steps)
    this.#lastTime = performance.now()
    try {
      for (let step = done + 1; step <= steps; step += 1) {
        const found = await this.#step(feeder, step)
        const isDue = step === steps || step % saveEvery === 0
        const isStopping = signal?.aborted === true && step < steps
        // Only where one is due: a signal must not give metrics.jsonl a number that a run without it lacks.
        const probed = isDue && this.#sentinel.isGood ? await probe?.measure(trainer) : undefined
        yield await this.#record(log, found, probed)
        // While the embeddings look collapsed nothing is saved, unless a signal would lose the steps.
        if (isStopping || (isDue && this.#sentinel.isGood)) yield* this.#save(log, step)
        if (isStopping) {
          await this.#report()
          throw abortError(signal)
        }
      }
    } finally {
      await feeder.end()
    }
  }

  async #step(feeder: Feeder, step: number): Promise<{ metrics: StepMetrics; wait: number }> {
    const { settings, schedule, trainer } = this.#parts
    const { steps, stepsPerEpoch } = schedule
    const lr = learningRateAt(step - 1, schedule, settings.warmupStartLr)
    const moving =
      settings.method === 'mocov3' ? { momentum: encoderMomentumAt(step - 1, steps, settings) } : {}
    const { loss, hits, wait } = await feeder.step({ lr, ...moving }).catch((error: unknown) => {
      throw this.#withRemedy(error, step)
    })
    const epoch = Math.floor((step - 1) / stepsPerEpoch)
    const metrics: StepMetrics = { step, epoch, loss, top1: hits, lr, ...moving }
    // A run does not end in doubt.
    const isLast = step === steps
    const isLook = step % settings.healthEvery === 0 || (isLast && !this.#sentinel.isGood)
    if (!isLook) return { metrics, wait }
    const health = await trainer.health()
    this.#sentinel.look(health, step, this.#good?.path, isLast)
    return { metrics: { ...metrics, health }, wait }
  }

  async #record(
    log: RunLog,
    { metrics, wait }: { metrics: StepMetrics; wait: number },
    probe: number | undefined,
  ): Promise<PretrainEvent> {
    const { settings, schedule } = this.#parts
    const line = { ...metrics, ...(probe === undefined ? {} : { probe }) }
    const seconds = this.#tick()
    await log.record(line, { step: line.step, seconds, wait })
    return {
      type: 'step',
      steps: schedule.steps,
      ...line,
      pairsPerSecond: settings.batchSize / this.#pace,
      waitShare: wait / seconds,
      etaSeconds: this.#pace * (schedule.steps - line.step),
    }
  }

  /** Seconds since the last call. */
  #tick(): number {
    const now = performance.now()
    const seconds = (now - this.#lastTime) / 1000
    this.#lastTime = now
    this.#pace = Number.isNaN(this.#pace) ? seconds : 0.9 * this.#pace + 0.1 * seconds
    return seconds
  }

  async *#save(log: RunLog, step: number): AsyncGenerator<PretrainEvent> {
    const { trainer, settings } = this.#parts
    const { mean, std } = settings
    const { badLooks } = this.#sentinel
    await log.sync()
    const write = async (folder: string): Promise<void> => {
      await trainer.saveState(join(folder, stateName))
      await trainer.saveBackbone(join(folder, backboneName), { mean, std })
    }
    const saved = await this.#checkpoints.save(step, [stateName, backboneName], write, badLooks)
    const { path } = saved
    if (badLooks === 0) {
      this.#good = saved
      await this.#checkpoints.publish(saved, backboneName)
    } else {
      const what = `${path} is to continue from, ${backboneName} stays`
      const message = `the embeddings looked collapsed ${badLooks} times: ${what}`
      yield { type: 'warning', message }
    }
    yield { type: 'checkpoint', step, path }
  }

  /** Says, of numbers that are none, where to go back to and what to change. */
  #withRemedy(error: unknown, step: number): unknown {
    if (!isGyrusError(error) || error.code !== 'ERR_GYRUS_NON_FINITE') return error
    const where =
      this.#good === undefined
        ? 'there is no checkpoint yet'
        : `the last good checkpoint is ${this.#good.path}`
    return new GyrusError(
      'ERR_GYRUS_NON_FINITE',
      `step ${step}: ${error.message}; ${where}; lower baseLr or lengthen the warm-up`,
      { cause: error },
    )
  }

  async #report(): Promise<string> {
    const { settings, slices, views } = this.#parts
    const { writeReport } = await import('./report/report.js')
    return writeReport({ settings, slices, views, backbone: join(settings.out, backboneName) })
  }
}
