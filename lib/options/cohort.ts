// Options of writeCohort(). Names are the command's flags.
import * as z from 'zod'
import { signal } from './encoder.js'

export const cohortDatasets = ['ixi', 'oasis3', 'brats21', 'fastmri'] as const
export type CohortDataset = (typeof cohortDatasets)[number]

export const cohortOptions = z.strictObject({
  out: z.string().min(1).describe('the folder to write'),
  overwrite: z.boolean().default(false).describe('remove the cohort that is in the folder'),
  subjects: z.int().min(1).max(999).default(24).describe('in all, dealt to the archives in turn'),
  size: z.int().min(32).max(512).default(128).describe("voxels along a volume's longest axis"),
  seed: z.int().min(0).default(0).describe('the same one gives the same bytes'),
  datasets: z
    .array(z.enum(cohortDatasets))
    .min(1)
    .refine((names) => new Set(names).size === names.length, { error: 'each archive once' })
    .default([...cohortDatasets])
    .describe('which archives to write'),
  template: z
    .string()
    .min(1)
    .optional()
    .describe('a T1 volume of a real head (.nii, .nii.gz) to deform, instead of formulas'),
  threads: z.int().min(1).max(256).optional().describe('subjects at a time; default: all processors'),
})
export type CohortOptions = z.input<typeof cohortOptions>
export type CohortSettings = z.output<typeof cohortOptions>

export const cohortCallOptions = z.strictObject({
  signal,
  onProgress: z
    .custom<(done: number, total: number) => void>((value) => typeof value === 'function', {
      error: 'a function',
    })
    .optional()
    .describe('called after every subject'),
})
export type CohortCallOptions = z.input<typeof cohortCallOptions>
