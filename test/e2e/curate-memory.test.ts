// What curation has in memory at once does not depend on how many volumes and readers there are.
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { curate, memory, type CurateEvent } from '../../lib/index.js'
import { MemoryBudget } from '../../lib/curate/memory-budget.js'
import { manifest } from '../support/curation.js'
import { drawBall, writeNifti } from '../support/nifti.js'

const mib = 2 ** 20
const shape = [160, 160, 120] as const // 6 MiB

void t.test('many readers stay within the budget, and one of too much is recorded', async (t) => {
  const folder = t.testdir()
  const root = join(folder, 'in')
  mkdirSync(root)
  const first = join(root, 'volume0.nii.gz')
  writeNifti(first, shape, drawBall(shape, 1))
  for (let i = 1; i < 24; i += 1) copyFileSync(first, join(root, `volume${i}.nii.gz`))
  const big = [200, 200, 200] as const // 15 MiB
  writeNifti(join(root, 'large.nii'), big, new Int16Array(200 ** 3).fill(1, 0, 100))
  const huge = [256, 256, 256] as const // 32 MiB
  writeNifti(join(root, 'too-large.nii'), huge, new Int16Array(256 ** 3))
  const run = async (out: string, more: object): Promise<CurateEvent | undefined> => {
    let last: CurateEvent | undefined
    for await (const event of curate({ roots: [root], out: join(folder, out), size: 64, ...more }))
      last = event
    return last
  }
  const before = memory().hostBytes
  t.match(await run('out', { memory: 64, maxVolume: 20, threads: 16 }), {
    type: 'done',
    volumes: 26,
    unreadable: 1,
  })
  const { peakHostBytes, hostBytes } = memory()
  t.ok(peakHostBytes < 64 * mib, `${peakHostBytes} bytes at the most`)
  t.equal(hostBytes, before, 'all was given back')
  const [lost] = (await manifest(join(folder, 'out'))).filter(({ reason }) => reason === 'unreadable')
  t.match(lost, {
    source_path: 'too-large.nii',
    detail: /ERR_GYRUS_OUT_OF_MEMORY.*too-large\.nii.*maxVolume/,
  })
  t.match(await run('alone', { memory: 64, maxVolume: 100, threads: 4 }), { volumes: 26, unreadable: 0 })
})

void t.test('a budget is given out in turn', async (t) => {
  const budget = new MemoryBudget(100)
  const order: string[] = []
  const take = async (name: string, bytes: number): Promise<() => void> => {
    const release = await budget.take(bytes)
    order.push(name)
    return release
  }
  const [first, second] = [take('first', 60), take('second', 40)]
  const large = take('large', 500)
  const small = take('small', 10)
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  await settle()
  t.same(order, ['first', 'second'])
  const releases = [await first, await second]
  releases[0]?.()
  await settle()
  t.same(order, ['first', 'second'], 'what comes later does not overtake what needs all')
  releases[1]?.()
  await settle()
  t.same(order, ['first', 'second', 'large'])
  ;(await large)()
  await small
  t.same(order, ['first', 'second', 'large', 'small'])
})
