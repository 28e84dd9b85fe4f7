// The list of codes is the same in C++, in TypeScript and in the addon; errors say what they should.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { describe, errorCodes, GyrusError, invalidOption, isGyrusError } from '../../lib/errors.js'
import { native, remedyFor } from '../../lib/native.js'

void t.test('codes are those of native/core/error.h, in its order', (t) => {
  const header = readFileSync(new URL('../../../native/core/error.h', import.meta.url), 'utf8')
  const list = [...header.matchAll(/^\s*X\(\w+, "(ERR_GYRUS_\w+)"/gm)].map((match) => match[1])
  t.ok(list.length > 10, 'the list was found')
  t.same(errorCodes, list)
  t.same(native().errorCodes(), list, 'and the addon was built from it')
  t.end()
})

// The engine builds every graph that JS can ask for: these two tell of defects, and only native tests can plant some.
const nativeOnly = ['ERR_GYRUS_NOT_DIFFERENTIABLE', 'ERR_GYRUS_INTERNAL']

void t.test('every code has a test that raises it', (t) => {
  const root = new URL('../../../', import.meta.url)
  const sources = (folder: string, ending: string): string =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(ending) && !file.endsWith('errors.test.ts'))
      .map((file) => readFileSync(new URL(`${folder}/${file}`, root), 'utf8'))
      .join('\n')
  const [ours, natives] = [sources('test', '.test.ts'), sources('native/tests', '.cpp')]
  for (const code of errorCodes) {
    const inCpp = `throws(Code::${code.replace('ERR_GYRUS_', '').toLowerCase()},`
    if (nativeOnly.includes(code)) t.ok(natives.includes(inCpp), `${code}: by a native test`)
    else t.ok(ours.includes(code), `${code}: by a call from JS`)
  }
  t.end()
})

void t.test('a GyrusError has a code and a cause', (t) => {
  const cause = new Error('why')
  const error = new GyrusError('ERR_GYRUS_FILE_IO', 'what', { cause })
  t.equal(error.name, 'GyrusError')
  t.equal(error.code, 'ERR_GYRUS_FILE_IO')
  t.equal(error.cause, cause)
  t.ok(isGyrusError(error))
  t.end()
})

void t.test('other errors are not taken for ours', (t) => {
  t.notOk(isGyrusError(new Error('no code')))
  t.notOk(isGyrusError(Object.assign(new Error('of Node'), { code: 'ENOENT' })))
  t.notOk(isGyrusError({ code: 'ERR_GYRUS_FILE_IO' }))
  t.notOk(isGyrusError(undefined))
  t.end()
})

void t.test('invalidOption names the option, what it should be and what it is', (t) => {
  const error = invalidOption('lr', 'a number', 'high')
  t.type(error, TypeError)
  t.equal(error.message, "lr must be a number, not 'high'")
  t.equal(error.code, 'ERR_GYRUS_INVALID_ARGUMENT')
  t.ok(isGyrusError(error))
  t.type(invalidOption('lr', 'at least 0', -1, 'range'), RangeError)
  t.end()
})

void t.test('values are described in a few words', (t) => {
  const cases: [unknown, string][] = [
    ['x'.repeat(80), `'${'x'.repeat(57)}...'`],
    [7n, 'the bigint 7'],
    [Math.max, 'a function'],
    [Symbol('s'), 'a symbol'],
    [undefined, 'undefined'],
    [null, 'null'],
    [NaN, 'NaN'],
    [true, 'true'],
    [[1, 2], 'an array of 2'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
    [new Map(), 'a Map'],
    [Object.create(Object.create(null) as object), 'an object'],
  ]
  for (const [value, words] of cases) t.equal(describe(value), words)
  t.end()
})

void t.test('a failure to load the addon comes with a remedy', (t) => {
  t.match(remedyFor([new Error('libdnnl.so.3: cannot open shared object file')]), /npm run setup/)
  t.match(remedyFor([new Error("version `GLIBC_2.38' not found")]), /newer system/)
  t.match(remedyFor([new Error('libgomp.so.1: cannot open shared object file')]), /libgomp1/)
  t.match(remedyFor([new Error('Module did not self-register')]), /stale/)
  t.match(remedyFor([new Error('there is no such file')]), /npm run build/)
  t.end()
})
