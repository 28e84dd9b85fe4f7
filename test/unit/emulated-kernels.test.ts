// Every CUDA kernel has a file that compiles it for the emulator: docs/cuda.md says that all of them run there.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const native = fileURLToPath(new URL('../../../native', import.meta.url))

function namesIn(folder: string, ending: string): string[] {
  const files = readdirSync(join(native, folder)).filter((file) => file.endsWith(ending))
  return files.map((file) => file.slice(0, -ending.length))
}

void t.test('no kernel is left out', (t) => {
  const kernels = namesIn('backend/cuda/kernels', '.cu'),
    emulated = new Set(namesIn('tests/cuda/emulated', '.cpp'))
  t.ok(kernels.length > 20)
  t.same(
    kernels.filter((kernel) => !emulated.has(kernel)),
    [],
  )
  t.end()
})
