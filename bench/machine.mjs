// Which machine a record comes from: the processor's name alone does not tell, virtual machines share theirs.
import { doctor } from 'gyrus'

/** {cpu, threads, features, isa}: `isa` is what oneDNN uses of the features, AMX only where this process may. */
export async function describeMachine(threads) {
  const { cpu, cpuFeatures, onednn } = await doctor()
  return { cpu, threads, features: cpuFeatures, isa: onednn.isa }
}

/** The command that makes a record again. */
export function commandLine(program, options) {
  const named = Object.entries(options).map(
    ([name, value]) => `--${name} ${String(value).includes(' ') ? `'${value}'` : value}`,
  )
  return [program, ...named].join(' ')
}
