// Fixture of doctor.test.ts, run where oneDNN is told to use AVX2 at most.
import { doctor, Encoder, isGyrusError } from '../../lib/index.js'
import { encoderOptions } from '../support/model.js'

const { hasBf16, onednn } = await doctor()
const encoder = await Encoder.load({ ...encoderOptions, precision: 'auto' })
const automatic = encoder.info.precision
await encoder.dispose()
const bf16 = await Encoder.load({ ...encoderOptions, precision: 'bf16' }).then(
  () => 'no error',
  (error: unknown) => (isGyrusError(error) ? error.code : String(error)),
)
console.log(JSON.stringify({ hasBf16, isa: onednn.isa, automatic, bf16 }))
