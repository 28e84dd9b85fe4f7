// Finds the peer: a Python with PyTorch, and tcmalloc, which the peer gets preloaded where that makes it faster.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const training = ['torch', 'torchvision', 'timm', 'numpy']

function canImport(python, modules) {
  return spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
}

/** GYRUS_BENCH_PYTHON if it is set, else the Pythons of an active or local environment, else the system's. */
export function findPython(modules = training) {
  const asked = process.env.GYRUS_BENCH_PYTHON
  if (asked !== undefined) {
    if (canImport(asked, modules)) return asked
    throw new Error(`GYRUS_BENCH_PYTHON is ${asked}, which cannot import ${modules.join(', ')}`)
  }
  const environments = [process.env.VIRTUAL_ENV, '.venv', 'venv'].filter((folder) => folder !== undefined)
  const candidates = [...environments.map((folder) => join(folder, 'bin', 'python')), 'python3']
  const found = candidates.find((python) => canImport(python, modules))
  if (found !== undefined) return found
  throw new Error(
    `none of ${candidates.join(', ')} can import ${modules.join(', ')}: point GYRUS_BENCH_PYTHON at a Python that can`,
  )
}

/** Path of tcmalloc's shared library, or undefined. Debian: libtcmalloc-minimal4. */
export function findTcmalloc() {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib']
  const names = ['libtcmalloc_minimal.so.4', 'libtcmalloc.so.4']
  const paths = [
    process.env.GYRUS_BENCH_TCMALLOC,
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ]
  return paths.find((path) => path !== undefined && existsSync(path))
}

/** All settings of the peer that compete to be the best one. */
export function peerSettings(tcmalloc) {
  const settings = []
  for (const mode of ['eager', 'compiled']) {
    settings.push({ mode, env: {}, name: `PyTorch ${mode}` })
    if (tcmalloc !== undefined) {
      settings.push({ mode, env: { LD_PRELOAD: tcmalloc }, name: `PyTorch ${mode} + tcmalloc` })
    }
  }
  return settings
}
