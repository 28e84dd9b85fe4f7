// NumPy's .npy files, as far as their headers.
import { callEngine } from './call.js'
import { invalidOption } from './errors.js'
import { native, type NpyInfo } from './native.js'

/** Shape and element type of a .npy file. */
export async function npyInfo(path: string): Promise<NpyInfo> {
  if (typeof path !== 'string') throw invalidOption('npyInfo: path', 'the path of a .npy file', path)
  return callEngine(npyInfo, undefined, () => native().npyInfo(path))
}
