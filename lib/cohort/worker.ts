// A thread that writes one subject after another, as it is told.
import { parentPort, workerData } from 'node:worker_threads'
import { isGyrusError } from '../errors.js'
import { writeBrats21, writeIxi, writeOasis3, type MakeHead } from './archives.js'
import { writeFastmriSubject } from './fastmri.js'
import { ProceduralHead } from './procedural-head.js'
import type { SubjectJob, SubjectRecord } from './record.js'
import { TemplateHead } from './template-head.js'
import type { Template } from './template.js'

export type WorkerAnswer =
  | { readonly record: SubjectRecord }
  | { readonly code: string; readonly message: string; readonly stack: string }

const writers = {
  ixi: writeIxi,
  oasis3: writeOasis3,
  brats21: writeBrats21,
  fastmri: writeFastmriSubject,
} as const

function work(job: SubjectJob, makeHead: MakeHead): WorkerAnswer {
  try {
    return { record: writers[job.dataset](job, makeHead) }
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    return { code: isGyrusError(error) ? error.code : 'ERR_GYRUS_INTERNAL', message, stack }
  }
}

const { template } = workerData as { template: Template | undefined }
const makeHead: MakeHead = (subject) =>
  template === undefined ? new ProceduralHead(subject) : new TemplateHead(subject, template)
parentPort?.on('message', (job: SubjectJob) => {
  parentPort?.postMessage(work(job, makeHead))
})
