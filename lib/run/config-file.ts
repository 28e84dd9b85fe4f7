// Configuration files, in JSON or YAML.
import { readFile } from 'node:fs/promises'
import { parse as parseYaml } from 'yaml'
import { GyrusError } from '../errors.js'

/** A configuration file, JSON or YAML. Its keys are checked with the rest of the configuration. */
export async function readConfig(path: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new GyrusError('ERR_GYRUS_FILE_NOT_FOUND', `the configuration ${path} cannot be read`, { cause })
  }
  let value: unknown
  try {
    value = parseYaml(text) // JSON is a subset of YAML
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GyrusError('ERR_GYRUS_FILE_FORMAT', `the configuration ${path} is no YAML or JSON: ${why}`, {
      cause,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GyrusError('ERR_GYRUS_FILE_FORMAT', `the configuration ${path} must hold names and values`)
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== '$schema')) // that is for editors
}
