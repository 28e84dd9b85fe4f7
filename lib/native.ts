// The only importer of the addon: finds it, and says what to do when it cannot be loaded.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { NativeAddon } from './addon.js'
import { GyrusError } from './errors.js'
import { packageRoot } from './package-root.js'

export type * from './addon.js'

/** Where the addon may lie. GYRUS_ADDON names one file instead (a debug or sanitizer build). */
function candidates(): string[] {
  const chosen = process.env['GYRUS_ADDON']
  if (chosen !== undefined && chosen !== '') return [chosen]
  return [
    'build/Release/gyrus.node',
    'build/Debug/gyrus.node',
    `prebuilds/${process.platform}-${process.arch}/gyrus.node`,
  ].map((path) => fileURLToPath(new URL(path, packageRoot)))
}

/** What to do about a failure to load, by the words of the loader. */
export function remedyFor(causes: readonly Error[]): string {
  const words = causes.map((cause) => cause.message).join('\n')
  if (words.includes('libdnnl')) return 'oneDNN was not found: run `npm run setup`, then `npm run build`'
  if (/GLIBC|CXXABI/.test(words))
    return 'the addon was built for a newer system: run `npm run build` on this one'
  if (words.includes('libgomp')) return "install the OpenMP run time (Debian's package libgomp1)"
  if (/self-register|NODE_MODULE_VERSION/.test(words)) return 'the addon is stale: run `npm run build`'
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `gyrus runs on linux-x64; this is ${process.platform}-${process.arch}`
  return 'run `npm run build` in the package folder (README.md says what it needs)'
}

function load(): NativeAddon {
  const require = createRequire(import.meta.url)
  const causes: Error[] = []
  for (const path of candidates()) {
    try {
      if (!existsSync(path)) throw new Error(`${path}: there is no such file`)
      const addon = require(path) as NativeAddon
      addon.setErrorClass(GyrusError)
      return addon
    } catch (error) {
      causes.push(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const list = causes.map((cause) => `\n  - ${cause.message}`).join('')
  throw new GyrusError(
    'ERR_GYRUS_FILE_NOT_FOUND',
    `the native addon could not be loaded:${list}\n  remedy: ${remedyFor(causes)}`,
    { cause: new AggregateError(causes) },
  )
}

let addon: NativeAddon | undefined

/** The addon, loaded on first use: what needs no engine (--help) works without one. */
export function native(): NativeAddon {
  addon ??= load()
  return addon
}
