// How contenders are run and compared: each in a process of its own, one after the other, never two at once.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Median absolute deviation: how far a typical value lies from the median. */
export function deviation(values) {
  const centre = median(values)
  return median(values.map((value) => Math.abs(value - centre)))
}

/**
 * Runs one contender to its end.
 * `contender`: {name, command: [program, ...arguments], env, hasSteps}; without steps it only says that it is done
 * Resolves to {name, seconds, peakBytes, firstLoss, secondsToFirstStep, versions}; the last but one counts from the
 * start of the process, so it includes loading, initialisation and compilation.
 */
export async function runContender(contender, timeoutSeconds = 1200) {
  const { hasSteps = true } = contender
  const [program, ...rest] = contender.command
  const started = performance.now()
  const child = spawn(program, rest, {
    env: { ...process.env, ...contender.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutSeconds * 1000,
  })
  let complaints = ''
  child.stderr.on('data', (chunk) => (complaints = (complaints + chunk).slice(-2000)))
  const exit = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  let result
  let secondsToFirstStep
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue
    const message = JSON.parse(line)
    if (message.event === 'first step') secondsToFirstStep = (performance.now() - started) / 1000
    if (message.event === 'done') result = message
  }
  const status = await exit
  const isSilent = hasSteps && secondsToFirstStep === undefined
  if (status !== 0 || result === undefined || isSilent) {
    throw new Error(`${contender.name} ended with ${status} before it was done: ${complaints.trim()}`)
  }
  delete result.event
  return { name: contender.name, secondsToFirstStep, ...result }
}

/** First losses on the same weights and data must agree before any time counts. */
export function checkAgreement(ours, theirs, tolerance) {
  const difference = Math.abs(ours.firstLoss - theirs.firstLoss) / Math.abs(theirs.firstLoss)
  if (!(difference <= tolerance)) {
    throw new Error(
      `${ours.name} and ${theirs.name} do not do the same work: their first losses are ` +
        `${ours.firstLoss} and ${theirs.firstLoss}, and may differ by ${tolerance} of the value`,
    )
  }
}

/** Runs each candidate once and returns the one with the shortest median step. Those that fail are reported. */
export async function bestOf(candidates, report) {
  let best
  for (const candidate of candidates) {
    try {
      const run = await runContender(candidate)
      report(candidate.name, run)
      if (best === undefined || median(run.seconds) < median(best.run.seconds)) best = { candidate, run }
    } catch (error) {
      report(candidate.name, error)
    }
  }
  if (best === undefined) throw new Error(`none of ${candidates.map((one) => one.name).join(', ')} ran`)
  return best.candidate
}

/** A-B-A-B: `rounds` pairs, so that a drift of the machine meets both alike. */
export async function alternate(a, b, rounds, report) {
  const pairs = []
  for (let round = 0; round < rounds; round += 1) {
    const pair = [await runContender(a), await runContender(b)]
    report(round, pair)
    pairs.push(pair)
  }
  return pairs
}

/** The figures of one comparison. Ratios above 1 mean that `a` is better; each is the median over the pairs. */
export function summarise(pairs) {
  const side = (index) => {
    const seconds = pairs.flatMap((pair) => pair[index].seconds)
    return {
      name: pairs[0][index].name,
      secondsPerStep: median(seconds),
      deviation: deviation(seconds),
      peakBytes: median(pairs.map((pair) => pair[index].peakBytes)),
      secondsToFirstStep: median(pairs.map((pair) => pair[index].secondsToFirstStep)),
      firstLoss: pairs[0][index].firstLoss,
      versions: pairs[0][index].versions,
    }
  }
  const speedups = pairs.map(([a, b]) => median(b.seconds) / median(a.seconds))
  return {
    ours: side(0),
    theirs: side(1),
    speedup: median(speedups),
    speedupRange: [Math.min(...speedups), Math.max(...speedups)],
    memoryRatio: median(pairs.map(([a, b]) => a.peakBytes / b.peakBytes)),
  }
}
