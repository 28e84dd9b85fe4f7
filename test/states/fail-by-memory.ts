// Fixture of matrix.test.ts: an encoder whose first call meets a limit on memory, so that it fails for good. In a
// process of its own, since the limit stays.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Encoder, memory } from '../../lib/index.js'
import { encoderOptions, images } from '../support/model.js'

const size = 512 // pixels: activations of a chunk of 32 such images take some GiB
const encoder = await Encoder.load({ ...encoderOptions, imageSize: size })
const small = images(32, 0, size)

const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0])
const limit = pages * 4096 + 256 * 2 ** 20 // bytes of address space
const { error } = spawnSync('prlimit', ['--pid', String(process.pid), `--as=${limit}`])

if (error !== undefined) {
  console.log(JSON.stringify({ skip: true }))
} else {
  const codeOf = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'no error',
      (reason: unknown) => {
        const { code, message } = reason as { code: string; message: string }
        return `${code} ${message}`
      },
    )
  const first = await codeOf(encoder.embed(small))
  const second = await codeOf(encoder.embed(small))
  await encoder.dispose()
  console.log(JSON.stringify({ first, second, disposed: 'yes', hostBytes: memory().hostBytes }))
}
