// Reads TensorBoard's event files by their description alone (TFRecord framing, protobuf), without gyrus's writer: what
// a checksum or a tag got wrong there is not wrong here in the same way.

export interface ScalarEvent {
  readonly step: number
  readonly wallTime: number
  readonly version?: string
  readonly values: ReadonlyMap<string, number>
}

/** Throws where a length or a checksum does not hold. */
export function readEvents(file: Buffer): ScalarEvent[] {
  const events: ScalarEvent[] = []
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at))
    checkSum(file.subarray(at, at + 8), file.readUInt32LE(at + 8))
    const data = file.subarray(at + 12, at + 12 + length)
    if (data.length < length) throw new Error(`the record at ${at} is cut off`)
    checkSum(data, file.readUInt32LE(at + 12 + length))
    events.push(toEvent(data))
    at += 16 + length
  }
  return events
}

/** CRC-32C bit by bit: dividing by x^32 + x^28 + ... (0x1edc6f41, here reflected), then masked as TFRecord does. */
function checkSum(data: Uint8Array, stored: number): void {
  let crc = 0xffffffffn
  for (const byte of data) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n
  }
  crc ^= 0xffffffffn
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn
  const masked = (rotated + 0xa282ead8n) & 0xffffffffn
  if (Number(masked) !== stored) throw new Error(`checksum ${stored}, ${masked} was expected`)
}

interface Field {
  readonly number: number
  readonly value: Buffer | number
}

function fieldsOf(data: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = data.readUInt8(at)
      at += 1
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  while (at < data.length) {
    const tag = varint()
    const [number, type] = [tag >>> 3, tag & 7]
    if (type === 0) fields.push({ number, value: varint() })
    else if (type === 1) fields.push({ number, value: data.readDoubleLE((at += 8) - 8) })
    else if (type === 5) fields.push({ number, value: data.readFloatLE((at += 4) - 4) })
    else if (type === 2) {
      const length = varint()
      fields.push({ number, value: data.subarray(at, (at += length)) })
    } else throw new Error(`wire type ${type}`)
  }
  return fields
}

const buffer = (value: Buffer | number | undefined): Buffer => {
  if (!Buffer.isBuffer(value)) throw new Error('bytes were expected')
  return value
}

/** Event: 1 wall_time, 2 step, 3 file_version, 5 summary; Summary: 1 value; Value: 1 tag, 2 simple_value. */
function toEvent(data: Buffer): ScalarEvent {
  const fields = new Map(fieldsOf(data).map(({ number, value }) => [number, value]))
  const values = new Map<string, number>()
  const summary = fields.get(5)
  for (const { number, value } of summary === undefined ? [] : fieldsOf(buffer(summary))) {
    if (number !== 1) continue
    const own = new Map(fieldsOf(buffer(value)).map((field) => [field.number, field.value]))
    values.set(buffer(own.get(1)).toString(), Number(own.get(2)))
  }
  const version = fields.get(3)
  return {
    step: Number(fields.get(2) ?? 0),
    wallTime: Number(fields.get(1)),
    values,
    ...(version === undefined ? {} : { version: buffer(version).toString() }),
  }
}
