// writeCohort(): small archives of simulated brain MRI in the layouts of the real ones, with the truth beside them.
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { GyrusError, throwIfAborted } from '../errors.js'
import {
  cohortCallOptions,
  cohortOptions,
  type CohortCallOptions,
  type CohortOptions,
  type CohortSettings,
} from '../options/cohort.js'
import { parseOptions } from '../options/parse.js'
import { makeFolder, writeError } from '../write-file.js'
import { writeSliceLabels } from './labels.js'
import { writeSubjects } from './pool.js'
import { pick } from '../random.js'
import type { SubjectJob, SubjectRecord } from './record.js'
import { readTemplate } from './template.js'
import { tumourLabels } from './tumour.js'

const truthName = 'cohort.json'
/** Stands for the truth while the cohort is incomplete, and says that the folder is ours. */
const markName = 'cohort.json.partial'
const ownNames = ['ixi', 'oasis3', 'brats21', 'fastmri', 'labels', 'labels.csv', truthName, markName]
const boxesPath = 'fastmri/brain.csv'

export interface CohortSummary {
  readonly out: string
  readonly subjects: number
  readonly volumes: number
  readonly seconds: number
}

/**
 * Writes a cohort into a folder. The same options give the same bytes, with any number of threads. Rejects with
 * ERR_GYRUS_FILE_IO when the folder is not empty (`overwrite` removes only what another cohort left) or cannot be
 * written; aborting leaves an incomplete cohort, without `cohort.json`.
 */
export async function writeCohort(
  options: CohortOptions,
  call: CohortCallOptions = {},
): Promise<CohortSummary> {
  const settings = parseOptions(cohortOptions, 'writeCohort', options)
  const { signal, onProgress } = parseOptions(cohortCallOptions, 'writeCohort', call)
  const start = performance.now()
  throwIfAborted(signal)
  const template = settings.template === undefined ? undefined : await readTemplate(settings.template, signal)
  await prepare(settings)
  const jobs = deal(settings)
  const records = await writeSubjects(jobs, {
    threads: settings.threads ?? availableParallelism(),
    template,
    signal,
    onDone: (done) => onProgress?.(done, jobs.length),
  })
  await writeSliceLabels(settings.out, records)
  await writeTruth(settings, records)
  const { out } = settings
  const volumes = records.reduce((sum, record) => sum + record.volumes.length, 0)
  return { out, subjects: jobs.length, volumes, seconds: (performance.now() - start) / 1000 }
}

/** The subjects, dealt to the archives in turn. */
function deal(settings: CohortSettings): SubjectJob[] {
  const { subjects, datasets, seed, size, out } = settings
  return Array.from({ length: subjects }, (_, at) => ({
    dataset: pick(datasets, at % datasets.length),
    index: Math.floor(at / datasets.length),
    seed,
    size,
    out,
  }))
}

async function prepare({ out, overwrite }: CohortSettings): Promise<void> {
  try {
    await makeFolder(out)
    const names = await readdir(out)
    const isOurs = names.includes(truthName) || names.includes(markName)
    if (names.length > 0 && !(overwrite && isOurs)) throw occupied(out, isOurs)
    for (const name of ownNames) {
      if (names.includes(name)) await rm(join(out, name), { recursive: true })
    }
    await writeFile(join(out, markName), '')
  } catch (error) {
    throw writeError(out, error)
  }
}

function occupied(out: string, isOurs: boolean): GyrusError {
  return new GyrusError(
    'ERR_GYRUS_FILE_IO',
    isOurs
      ? `${out} holds a cohort: choose another folder, or pass overwrite to remove it`
      : `${out} is not empty and holds no cohort: choose another folder`,
  )
}

async function writeTruth(settings: CohortSettings, records: readonly SubjectRecord[]): Promise<void> {
  const { out, subjects, size, seed, datasets, template } = settings
  const truth = {
    version: 1,
    seed,
    options: { subjects, size, datasets, template: template === undefined ? null : basename(template) },
    masks: { tumour: tumourLabels, hippocampus: { anterior: 1, posterior: 2 } },
    subjects: records.map(({ dataset, id, age, tumour, sessions, volumes }) => ({
      dataset,
      id,
      age,
      tumour,
      sessions,
      volumes,
    })),
  }
  const mark = join(out, markName)
  try {
    if (datasets.includes('fastmri')) await writeBoxes(out, records)
    await writeFile(mark, `${JSON.stringify(truth, undefined, 1)}\n`)
    await rename(mark, join(out, truthName))
  } catch (error) {
    throw writeError(mark, error)
  }
}

async function writeBoxes(out: string, records: readonly SubjectRecord[]): Promise<void> {
  const path = join(out, boxesPath)
  const rows = ['file,slice,study_level,x,y,width,height,label', ...records.flatMap(({ boxes }) => boxes)]
  try {
    await mkdir(join(out, 'fastmri'), { recursive: true })
    await writeFile(path, `${rows.join('\n')}\n`)
  } catch (error) {
    throw writeError(path, error)
  }
}
