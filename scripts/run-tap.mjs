// run-tap.mjs [--jobs N] FILE...: runs compiled test files, each in a process of its own, and prints their TAP. The
// last line counts: # { total: 12, pass: 11, fail: 1 }
//
// `tap run` does the same, but puts its hooks, through NODE_OPTIONS, into every process and every worker that a test
// starts. They cost 0.7 s of processor time each, more than the command line itself, and the tests start hundreds.
import { spawn } from 'node:child_process'

const timeout = 300 // seconds a test; a file of many has twice as long

const files = process.argv.slice(2)
const jobs = files[0] === '--jobs' ? Number(files.splice(0, 2)[1]) : 2

/** Runs one file. Its output is kept: lines of two files must not mix. */
function runFile(file) {
  const env = { ...process.env, TAP_TIMEOUT: String(timeout) }
  const started = performance.now()
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--enable-source-maps', file], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 2 * timeout * 1000,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    child.once('error', (error) => {
      output += `${error.message}\n`
    })
    child.once('close', (status, signal) => {
      const milliseconds = Math.round(performance.now() - started)
      resolve({ file, output, status, signal, milliseconds })
    })
  })
}

const counted = ['total', 'pass', 'fail', 'skip', 'todo']

/** What a file counted; one that failed without counting a failure has one. */
function countsOf({ output, status }) {
  const line = output.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? ''
  const counts = Object.fromEntries(
    counted.map((name) => [name, Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0)]),
  )
  if (counts.fail === 0 && (status !== 0 || counts.total === 0)) {
    counts.fail += 1
    counts.total += 1
  }
  return counts
}

function print(number, { file, output, status, signal, milliseconds }, { fail }) {
  console.log(`# Subtest: ${file}`)
  console.log(output.trimEnd().replace(/^(?!$)/gm, '    '))
  if (fail > 0) console.log(`# ${file}: exit status ${signal ?? status} after ${milliseconds} ms`)
  console.log(`${fail > 0 ? 'not ok' : 'ok'} ${number} - ${file} # time=${milliseconds}ms\n`)
}

console.log('TAP version 14')
const totals = Object.fromEntries(counted.map((name) => [name, 0]))
let next = 0
let done = 0
await Promise.all(
  Array.from({ length: jobs }, async () => {
    while (next < files.length) {
      const result = await runFile(files[next++])
      const counts = countsOf(result)
      for (const name of counted) totals[name] += counts[name]
      print(++done, result, counts)
    }
  }),
)
console.log(`1..${done}`)
const said = counted.filter((name) => name === 'total' || name === 'pass' || totals[name] > 0)
console.log(`# { ${said.map((name) => `${name}: ${totals[name]}`).join(', ')} }`)
process.exitCode = totals.fail > 0 ? 1 : 0
