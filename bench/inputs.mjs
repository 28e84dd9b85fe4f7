// The same data and weights for every contender: made once a case in a scratch folder, read by both sides.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Standard normal numbers by Box-Muller over a small congruential generator: repeatable, and quick enough. */
export function normals(count, seed) {
  const out = new Float32Array(count)
  let state = BigInt(seed) + 0x9e3779b97f4a7c15n
  const uniform = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn
    return (Number(state >> 40n) + 1) / (2 ** 24 + 1)
  }
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform()))
    const angle = 2 * Math.PI * uniform()
    out[i] = radius * Math.cos(angle)
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle)
  }
  return out
}

/** Two views of a batch, raw f32 [2, batch, 3, size, size]. */
export function writeViews(folder, batch, size) {
  const path = join(folder, 'views.f32')
  const values = normals(2 * batch * 3 * size * size, 1)
  writeFileSync(path, new Uint8Array(values.buffer))
  return path
}
