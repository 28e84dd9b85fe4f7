// A Python to compare with, where there is one: GYRUS_TEST_PYTHON, GYRUS_BENCH_PYTHON, or the system's. Nothing but the
// comparisons needs it.
import { spawnSync } from 'node:child_process'

const candidates = [process.env['GYRUS_TEST_PYTHON'], process.env['GYRUS_BENCH_PYTHON'], 'python3']

/** Runs a program and returns what it printed; `stdin` are the words it gets in JSON. */
export type Python = (program: string, input?: unknown) => string

/** The first Python that has the modules, or why there is none. */
export function findPython(...modules: readonly string[]): Python | string {
  const command = candidates.find((one) => {
    if (one === undefined || one === '') return false
    return spawnSync(one, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
  })
  if (command === undefined)
    return `no Python with ${modules.join(', ')}: point GYRUS_TEST_PYTHON at one that has them`
  return (program, input) => {
    const options = { encoding: 'utf8', input: JSON.stringify(input ?? null), maxBuffer: 2 ** 28 } as const
    const { status, stdout, stderr } = spawnSync(command, ['-c', program], options)
    if (status !== 0) throw new Error(stderr)
    return stdout
  }
}
