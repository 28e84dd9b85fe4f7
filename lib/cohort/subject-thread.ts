// A thread that writes one subject after another, as it is told.
import { parentPort, workerData } from 'node:worker_threads'
import { packError, type PackedError } from '../errors.js'
import { writeBrats21, writeIxi, writeOasis3, type MakeHead } from './archives.js'
import { writeFastmriSubject } from './fastmri.js'
import { ProceduralHead } from './procedural-head.js'
import type { SubjectJob, SubjectRecord } from './record.js'
import { TemplateHead } from './template-head.js'
import type { Template } from './template.js'

export type ThreadAnswer = { readonly record: SubjectRecord } | PackedError

const writers = {
  ixi: writeIxi,
  oasis3: writeOasis3,
  brats21: writeBrats21,
  fastmri: writeFastmriSubject,
} as const

function work(job: SubjectJob, makeHead: MakeHead): ThreadAnswer {
  try {
    return { record: writers[job.dataset](job, makeHead) }
  } catch (error) {
    return packError(error)
  }
}

const { template } = workerData as { template: Template | undefined }
const makeHead: MakeHead = (subject) =>
  template === undefined ? new ProceduralHead(subject) : new TemplateHead(subject, template)
parentPort?.on('message', (job: SubjectJob) => {
  parentPort?.postMessage(work(job, makeHead))
})
