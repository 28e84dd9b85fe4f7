// Options of labelled images: where they are, how they are cut, and who is tested on.
import * as z from 'zod'

const share = z.number().min(0).lt(1)

export const labelledFields = {
  data: z
    .string()
    .min(1)
    .describe(
      'a folder of class folders, with or without Training and Testing; of .mat files of Cheng; or curated',
    ),
  labels: z.string().min(1).optional().describe('with a curated folder: a CSV file of labels'),
  sliceSize: z
    .int()
    .min(8)
    .max(4096)
    .default(256)
    .describe('pixels of a side to which image files are resized first'),
  fit: z
    .enum(['crop', 'pad', 'stretch'])
    .default('crop')
    .describe('images that are not square: the middle square, black margins, or proportions given up'),
  cache: z
    .string()
    .min(1)
    .optional()
    .describe('where resized images go (default: data in the output folder)'),
  skipUnreadable: z.boolean().default(false).describe('leave out images that cannot be read'),
  valFraction: share
    .default(0.15)
    .describe('of the training images, for early stopping, where the set has no val'),
  testFraction: share.gt(0).default(0.2).describe('of all images, where the set has no split'),
  fold: z
    .int()
    .min(1)
    .optional()
    .describe(
      "the fold that is tested on, from 1, instead of testFraction: of cvind.mat's, or drawn by patients",
    ),
  folds: z.int().min(2).max(1000).optional().describe('how many are drawn (default: 5)'),
  splitSeed: z.int().min(0).default(0).describe('of those draws'),
  duplicates: z
    .strictObject({
      threshold: z.number().gt(0).max(1).default(0.99).describe('correlation of 32 x 32 versions'),
      action: z
        .enum(['report', 'drop', 'ignore'])
        .default('report')
        .describe(
          'with images that are nearly in training and test: tell, leave the trained ones out, or do not look',
        ),
    })
    .prefault({}),
}
export const labelledSettings = z.strictObject(labelledFields)
export type LabelledSettings = z.output<typeof labelledSettings>
