// Options of curate(). Names are the command's flags and the keys of curation.json.
import * as z from 'zod'
import { datasetNames } from '../datasets/source.js'
import { signal } from './encoder.js'

const share = z.number().min(0).max(1)
const bits = z.number().min(0).max(8)
const window = (bound: z.ZodNumber, what: string): z.ZodType<[number, number], [number, number]> =>
  z.tuple([bound, bound]).refine(([low, high]) => low <= high, { error: what })

export const curateOptions = z
  .strictObject({
    roots: z.array(z.string().min(1)).min(1).describe('folders that hold the archives'),
    out: z.string().min(1).describe('the folder to write; an interrupted run in it is continued'),
    overwrite: z.boolean().default(false).describe('remove what another run left in the folder'),

    dataset: z.enum(datasetNames).optional().describe('what the roots are, instead of finding out'),
    parts: z
      .array(z.string())
      .default(['train', ''])
      .describe("archives' own splits to take; val and test are held out"),
    contrasts: z.array(z.string()).optional().describe('only these'),
    includeMra: z.boolean().default(false).describe('take angiographies too'),
    includeDti: z.boolean().default(false).describe('take diffusion images too'),

    plane: z.enum(['axial', 'coronal', 'sagittal']).default('axial'),
    frame: z.int().min(0).default(0).describe('which volume of a 4-D file'),
    percentiles: window(z.number().min(0).max(100), 'two rising percentages')
      .default([0.5, 99.5])
      .describe('of its voxels, between which a volume is scaled'),
    percentilesOf: z
      .enum(['nonzero', 'all'])
      .default('nonzero')
      .describe('voxels that the percentiles count'),
    entropyOver: z
      .enum(['slice', 'box'])
      .default('slice')
      .describe('all pixels of a slice, or the smallest box around those that are not zero'),
    foregroundThreshold: share.default(0.1).describe('scaled values above this are foreground'),

    entropyMin: bits.default(1).describe('bits; slices below are dropped'),
    entropyMax: bits.default(8).describe('bits; slices above are dropped'),
    position: window(share, 'two rising numbers from 0 to 1')
      .default([0.2, 0.8])
      .describe('of a slice in its volume, 0 the lowest: those outside are dropped'),
    stride: z.int().min(1).default(1).describe('take only every n-th slice, counted from the middle one'),
    keepFraction: z
      .number()
      .gt(0)
      .max(1)
      .default(0.125)
      .describe("of each volume's slices, the richest in entropy; unless keep is given"),
    keep: z.int().min(1).optional().describe('slices to keep in all, the richest in entropy of each stratum'),
    rankBy: z
      .enum(['entropy', 'random'])
      .default('entropy')
      .describe('random: any slices within the windows stay, not the richest: to compare with'),
    balance: z
      .enum(['none', 'dataset', 'contrast'])
      .default('dataset')
      .describe('strata among which keep is divided in proportion to their slices'),
    quotas: z
      .record(z.string(), z.int().min(0))
      .optional()
      .describe('slices to keep of a stratum by name, instead of its proportion'),

    size: z.int().min(8).max(4096).default(256).describe('pixels of a side of the written slices'),
    shardRows: z.int().min(1).max(65536).default(2048).describe('slices a shard'),
    valFraction: share.default(0.05).describe('of the subjects, to be set aside for validation'),
    seed: z.int().min(0).default(0).describe('of the choice of those subjects, and of random slices'),
    memory: z
      .int()
      .min(64)
      .default(768)
      .describe('MiB of volumes and slices at work at once; a volume of more goes alone'),
    maxVolume: z
      .int()
      .min(1)
      .default(2048)
      .describe('MiB that one volume may take; one of more is recorded as unreadable'),
    threads: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe('readers at work, of one volume or two each; default: one more than processors'),
  })
  .refine((options) => options.entropyMin <= options.entropyMax, {
    error: 'at most entropyMax',
    path: ['entropyMin'],
  })
export type CurateOptions = z.input<typeof curateOptions>
export type CurateSettings = z.output<typeof curateOptions>

export const curateCallOptions = z.strictObject({ signal })
