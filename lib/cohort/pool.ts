// Threads that share a list of subjects. The records come in the order of the list, whoever wrote them.
import { Worker } from 'node:worker_threads'
import { abortError, GyrusError, throwIfAborted, unpackError } from '../errors.js'
import type { SubjectJob, SubjectRecord } from './record.js'
import type { Template } from './template.js'
import type { ThreadAnswer } from './subject-thread.js'

export interface PoolOptions {
  readonly threads: number
  readonly template: Template | undefined
  readonly signal: AbortSignal | undefined
  readonly onDone: (done: number) => void
}

/** Rejects with the first failure, or ERR_GYRUS_ABORTED; no thread is left behind. */
export async function writeSubjects(
  jobs: readonly SubjectJob[],
  options: PoolOptions,
): Promise<SubjectRecord[]> {
  const { signal, template } = options
  throwIfAborted(signal)
  const records: SubjectRecord[] = []
  const queue = [...jobs.entries()]
  let done = 0
  const count = Math.min(options.threads, jobs.length)
  const workers = Array.from(
    { length: count },
    () => new Worker(new URL('./subject-thread.js', import.meta.url), { workerData: { template } }),
  )
  const run = async (worker: Worker): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [at, job] = next
      records[at] = await ask(worker, job, signal)
      done += 1
      options.onDone(done)
    }
  }
  try {
    await Promise.all(workers.map(run))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return records
}

async function ask(worker: Worker, job: SubjectJob, signal: AbortSignal | undefined): Promise<SubjectRecord> {
  throwIfAborted(signal)
  const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
    const abort = (): void => {
      settle()
      reject(abortError(signal))
    }
    const fail = (cause: unknown): void => {
      settle()
      reject(new GyrusError('ERR_GYRUS_INTERNAL', `a thread that writes subjects failed`, { cause }))
    }
    const take = (message: ThreadAnswer): void => {
      settle()
      resolve(message)
    }
    const settle = (): void => {
      worker.off('message', take).off('error', fail).off('exit', fail)
      signal?.removeEventListener('abort', abort)
    }
    worker.on('message', take).on('error', fail).on('exit', fail)
    signal?.addEventListener('abort', abort)
    worker.postMessage(job)
  })
  if ('record' in answer) return answer.record
  throw unpackError(answer)
}
