// Runs a schema over what a caller passed and turns the first complaint into one sentence: which option, what it should
// be, what it is. Unknown keys are errors with a suggestion.
import * as z from 'zod'
import { invalidOption, type ArgumentError } from '../errors.js'
import { suggest } from './suggest.js'

/** The value with defaults filled in. Throws TypeError or RangeError with ERR_GYRUS_INVALID_ARGUMENT. */
export function parseOptions<Schema extends z.ZodType>(
  schema: Schema,
  where: string,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw issue === undefined
    ? invalidOption(where, 'valid', value)
    : toArgumentError(schema, where, value, issue)
}

function toArgumentError(
  schema: z.ZodType,
  where: string,
  value: unknown,
  issue: z.core.$ZodIssue,
): ArgumentError {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') return unknownKey(schema, where, value, path, issue.keys[0] ?? '')
  const name = `${where}: ${path.length === 0 ? 'the options' : path.join('.')}`
  const isRange = issue.code === 'too_small' || issue.code === 'too_big'
  return invalidOption(name, expectationOf(schema, issue), at(value, path), isRange ? 'range' : 'type')
}

function unknownKey(
  schema: z.ZodType,
  where: string,
  value: unknown,
  path: readonly string[],
  key: string,
): ArgumentError {
  const known = keysAt(schema, value, path)
  const name = [...path, key].join('.')
  const nearest = suggest(key, known)
  const hint =
    nearest === undefined
      ? `known are ${known.join(', ')}`
      : `did you mean '${[...path, nearest].join('.')}'?`
  const error = new TypeError(`${where}: there is no option '${name}'; ${hint}`)
  return Object.assign(error, { code: 'ERR_GYRUS_INVALID_ARGUMENT' as const })
}

/** What an issue's option should be, in words. */
function expectationOf(schema: z.ZodType, issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return expectedType(issue.expected)
    case 'too_small':
      return `${issue.inclusive === true ? 'at least' : 'above'} ${issue.minimum}`
    case 'too_big':
      return `${issue.inclusive === true ? 'at most' : 'below'} ${issue.maximum}`
    case 'invalid_value':
      return `one of ${issue.values.map((value) => `'${String(value)}'`).join(', ')}`
    case 'invalid_union':
      return discriminatorsOf(schema, issue.path.map(String)) ?? 'of another form'
    case 'custom':
      return issue.message
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
      return issue.message
  }
}

function expectedType(expected: string): string {
  if (expected === 'int') return 'a whole number'
  if (expected === 'boolean') return 'true or false'
  return `${/^[aeiou]/i.test(expected) ? 'an' : 'a'} ${expected}`
}

/** The schema of a nested option, without the wrappers of defaults and optionality. */
function schemaAt(schema: z.ZodType, value: unknown, path: readonly string[]): z.ZodType {
  let current = memberFor(unwrap(schema), value)
  let inner = value
  for (const key of path) {
    inner = at(inner, [key])
    if (current instanceof z.ZodObject) current = memberFor(unwrap(current.shape[key] as z.ZodType), inner)
    else if (current instanceof z.ZodArray) current = memberFor(unwrap(current.element as z.ZodType), inner)
  }
  return current
}

function unwrap(schema: z.ZodType): z.ZodType {
  let current = schema
  for (;;) {
    if (
      current instanceof z.ZodDefault ||
      current instanceof z.ZodPrefault ||
      current instanceof z.ZodOptional
    )
      current = current.unwrap() as z.ZodType
    else if (current instanceof z.ZodPipe) current = current.in as z.ZodType
    else return current
  }
}

/** Of a union, the form that the value chose; any other schema, and a union without a choice, is returned as it is. */
function memberFor(schema: z.ZodType, value: unknown): z.ZodType {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema
  const key = schema.def.discriminator
  const member = (schema.options as readonly z.ZodObject[]).find(
    (option) => (option.shape[key] as z.ZodType).safeParse(at(value, [key])).success,
  )
  return member ?? schema
}

function keysAt(schema: z.ZodType, value: unknown, path: readonly string[]): string[] {
  const found = schemaAt(schema, value, path)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

/** "one of 'adamw', 'sgd'" for an option that chooses between forms. */
function discriminatorsOf(schema: z.ZodType, path: readonly string[]): string | undefined {
  const union = schemaAt(schema, {}, path.slice(0, -1))
  if (!(union instanceof z.ZodDiscriminatedUnion)) return undefined
  const names = [...(union._zod.propValues[union.def.discriminator] ?? [])].map((name) => `'${String(name)}'`)
  return `one of ${names.join(', ')}`
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
    value,
  )
}
