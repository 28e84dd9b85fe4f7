// What this machine offers to gyrus.
import { callEngine } from './call.js'
import { native, type DoctorReport } from './native.js'

/** CPU features, instruction sets in use, threads, oneDNN, bf16, and which CUDA libraries can be found. */
export async function doctor(): Promise<DoctorReport> {
  return callEngine(doctor, undefined, () => native().doctor())
}
