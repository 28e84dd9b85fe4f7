// scripts/gpu-suite where there is no GPU: what it lists, and what it makes of results. A folder of scripts stands in
// for the binaries, for nvidia-smi, the checkers and a Python with PyTorch; each answers as the test says.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const script = join(repository, 'scripts', 'gpu-suite')

interface Report {
  failed: string[]
  missed: string[]
  notRun: { name: string }[]
  packMiB: number | null
  targets: { name: string; state: string; found: number | null }[]
  results: { name: string; text: string }[]
}

const step = {
  arch: 'any',
  batch: 256,
  seconds: 0.1,
  firstStepSeconds: 3,
  flops: 9e13,
  bytes: 1e11,
  peakDeviceBytes: 10 * 2 ** 30,
  kinds: { linear: { flops: 4e13 }, attention_grad: { flops: 1e13 }, relu: { flops: 4e13 } },
  ways: [{ kind: 'conv2d', way: 'cudnn', why: '', isRefused: false, count: 53 }],
}
const tests = '12 passed, 0 failed, 0 skipped'
const losses = { losses: [2.5, 2.25, 2] }

/** What the stand-ins answer; all is well unless told. */
interface Answers {
  tests?: string
  step?: object
  again?: object
  peer?: string
  cudaLosses?: object
  torch?: string
  largest?: number
  doesNotFit?: boolean
}

function run(name: string, answers: Answers = {}): { status: number | null; stdout: string; report: Report } {
  const folder = join(t.testdirName, name)
  mkdirSync(folder, { recursive: true })
  const tool = (file: string, body: string) => {
    writeFileSync(join(folder, file), `#!/bin/sh\n${body}\n`)
    chmodSync(join(folder, file), 0o755)
  }
  const say = (text: string) => `cat <<'END'\n${text}\nEND`
  tool('nvidia-smi', "echo 'NVIDIA H200, 580.95'")
  tool('gyrus_tests', say(answers.tests ?? tests))
  tool('compute-sanitizer', `echo '========= ERROR SUMMARY: 0 errors'\n${say(tests)}`)
  tool(
    'gyrus_moco_step',
    `case "$*" in
      *'cuda --image'*) ${say(JSON.stringify(answers.cudaLosses ?? losses))}
      ;;
      *'cpu --image'*) ${say(JSON.stringify(losses))}
      ;;
      *--profile*) ${answers.doesNotFit === true ? 'exit 4' : ''}
      ${say(JSON.stringify(answers.step ?? step))}
      ;;
      *'256 bf16 cuda --steps 3'*) ${say(JSON.stringify(answers.again ?? step))}
      ;;
      *) if [ "$2" -gt ${String(answers.largest ?? 512)} ]; then echo 'out of memory'; exit 4; fi
      ${say(JSON.stringify({ ...step, batch: 512 }))}
      ;;
    esac`,
  )
  tool(
    'python',
    `case "$1" in
      -c) ;;
      *torch_ops.py) ${answers.torch ?? 'echo 42 cases'}
      ;;
      *) echo '${answers.peer ?? 'median s/step 0.150 img/s 1706.67 peak GiB 20.00 loss 2'}'
      ;;
    esac`,
  )
  writeFileSync(join(folder, 'pack.json'), '{"mib": 12.5}')
  writeFileSync(join(folder, 'peer.py'), '')
  const reports = join(folder, 'reports')
  const options = ['--build', folder, '--peer', join(folder, 'peer.py'), '--python', join(folder, 'python')]
  const { status, stdout, stderr } = spawnSync(script, [...options, '--reports', reports], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
  })
  const [file = ''] = readdirSync(reports)
  t.equal(stderr, '')
  return { status, stdout, report: JSON.parse(readFileSync(join(reports, file), 'utf8')) as Report }
}

void t.test('without a GPU: every part by name, and the list of docs/cuda.md word for word', (t) => {
  const { status, stdout } = spawnSync(script, ['--build', t.testdir({})], {
    encoding: 'utf8',
    env: { ...process.env, PATH: '/usr/bin:/bin' },
  })
  if (!stdout.includes('there is no NVIDIA GPU here')) {
    t.comment('there is a GPU')
    t.end()
    return
  }
  t.equal(status, 3)
  t.match(stdout, /^not run {2}twenty steps against the CPU resnet18 bf16: /m)
  t.match(stdout, /^not run {2}racecheck layer_norm: /m)
  const text = readFileSync(join(repository, 'docs', 'cuda.md'), 'utf8')
  const [, rest = ''] = text.split('## What has not run on hardware\n')
  const [section = ''] = rest.split('\n## ')
  const listed = section
    .split(/^- /m)
    .slice(1)
    .map((item) => (item.split('\n\n')[0] ?? '').replaceAll(/\s+/g, ' ').trim())
  const printed = stdout.split('\n').flatMap((line) => /^not run on hardware: (.*)$/.exec(line)?.[1] ?? [])
  t.ok(listed.length > 10)
  t.same(printed, listed)
  t.end()
})

void t.test('all is well: status 0, promises kept, work of the tensor cores alone counts', (t) => {
  const { status, report } = run('well')
  t.equal(status, 0, 'status')
  t.same([report.failed, report.missed, report.notRun], [[], [], []])
  t.equal(report.packMiB, 12.5)
  t.ok(report.targets.every(({ state }) => state === 'reached'))
  const share = report.targets.find(({ name }) => name.includes('dense bf16 peak'))
  t.equal(share?.found?.toFixed(3), (5e13 / 0.1 / 989e12).toFixed(3))
  const compared = report.results.find(({ name }) => name === 'step torch.compile resnet50 batch 512')
  t.match(compared?.text, /GiB/, 'the peer runs the largest batch that fits')
  t.end()
})

void t.test('a promise that is missed: status 1, by name', (t) => {
  const slow = run('slow', { peer: 'median s/step 0.110 img/s 2327.27 peak GiB 12.00 loss 2' })
  t.equal(slow.status, 1)
  t.same(slow.report.failed, [])
  t.ok(slow.report.missed.includes("resnet50: times torch.compile's speed"))
  t.notOk(
    slow.report.missed.includes("vit_base_patch16_224: times torch.compile's speed"),
    '1.1 is enough there',
  )
  t.ok(slow.report.missed.includes("vit_base_patch16_224: of torch.compile's memory"))
  const cold = run('cold', { again: { ...step, firstStepSeconds: 7 } })
  t.equal(cold.status, 1)
  t.same(cold.report.missed.length, 3)
  t.match(cold.report.missed[0], /first step, plans cached/)
  t.end()
})

void t.test('what must fail, fails', (t) => {
  const refused = { kind: 'conv2d', way: 'columns', why: 'check_support: none', isRefused: true, count: 53 }
  const cases: [string, Answers, string][] = [
    ['skipped', { tests: '0 passed, 0 failed, 12 skipped' }, 'operation conv2d'],
    ['partly-skipped', { tests: '11 passed, 0 failed, 1 skipped' }, 'operation linear'],
    ['silent', { tests: 'no TAP' }, 'model golden_ops'],
    ['columns', { step: { ...step, ways: [refused] } }, 'step gyrus resnet50 batch 256'],
    ['apart', { cudaLosses: { losses: [2.5, 2.25, 2.2] } }, 'twenty steps against the CPU resnet18 bf16'],
    ['nan', { cudaLosses: { losses: [2.5, 2.25] } }, 'twenty steps against the CPU resnet18 f32'],
    ['torch', { torch: 'echo no cuDNN; exit 1' }, 'operation against PyTorch on this GPU'],
  ]
  for (const [name, answers, failed] of cases) {
    const { status, report } = run(name, answers)
    t.equal(status, 1, name)
    t.ok(report.failed.includes(failed), `${name}: ${report.failed.join(', ')}`)
  }
  const columns = run('words', { step: { ...step, ways: [refused] } })
  t.match(columns.stdout, /53 conv2d by columns: check_support: none/)
  const none = run('no-cudnn', { step: { ...step, ways: [{ ...refused, isRefused: false }] } })
  t.equal(none.status, 1)
  t.match(none.stdout, /cuDNN computes nothing/)
  t.end()
})

void t.test('a choice between two ways is shown, and is no failure', (t) => {
  const why = "timed at 0.61 ms, cuDNN's at 0.7 ms"
  const way = { kind: 'attention', way: 'own', why, isRefused: false, isTimed: true, count: 24 }
  const { status, stdout } = run('timed', { step: { ...step, ways: [way] } })
  t.equal(status, 0, 'status')
  t.match(stdout, `attention by own: ${why}`)
  t.match(stdout, `| any, batch 256 | attention by own: ${why} |`)
  t.end()
})

void t.test('a batch of 256 that does not fit has failed; a larger one has not', (t) => {
  const larger = run('larger', { largest: 256 })
  t.equal(larger.status, 0, 'status')
  const judged = run('judged', { doesNotFit: true })
  t.equal(judged.status, 1)
  t.ok(judged.report.failed.includes('step gyrus resnet50 batch 256'))
  t.ok(judged.report.notRun.some(({ name }) => name.includes("resnet50: times torch.compile's speed")))
  t.end()
})
