// How much memory the engine holds.
import { native, type MemoryReport } from './native.js'

/** Bytes that the engine holds in this process (all threads together), now and at most so far. */
export function memory(): MemoryReport {
  return native().memory()
}
