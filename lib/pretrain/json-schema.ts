// The JSON Schema of a configuration file, from the schema that checks it: editors complete and explain by it.
import * as z from 'zod'
import { architectures } from '../options/model.js'
import { pretrainFields } from '../options/pretrain.js'
import { presets } from './presets.js'

/** Every key may be left out of a file: presets, flags and defaults give the rest. */
const configuration = z.strictObject({
  $schema: z.string().optional().describe('where this schema lies, for editors'),
  preset: z
    .enum(Object.keys(presets) as [string, ...string[]])
    .optional()
    .describe('settings to start from'),
  cropMin: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('smallest share of the slice that a crop covers, in both views'),
  ...z.strictObject(pretrainFields).partial().shape,
})

export function pretrainJsonSchema(): object {
  const schema = z.toJSONSchema(configuration, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema, path }) => {
      // Checked by functions, which a schema cannot hold.
      if (path.at(-1) === 'arch') Object.assign(jsonSchema, { type: 'string', enum: [...architectures] })
    },
  })
  return { ...schema, title: 'gyrus pretrain', description: 'Settings of `gyrus pretrain` and `pretrain()`.' }
}
