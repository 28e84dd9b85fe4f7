// Selection: windows, shares, totals with quotas, ties.
import t from 'tap'
import { applyWindows, selectShare, selectTotal, shareOf, type Reason } from '../../lib/curate/select.js'
import { splitOf } from '../../lib/curate/split.js'

const open = {
  entropyMin: 0,
  entropyMax: 8,
  position: [0, 1] as [number, number],
  stride: 1,
  keepFraction: 1,
  rankBy: 'entropy' as 'entropy' | 'random',
  seed: 0,
}
const kept = (marks: readonly Reason[]): number[] =>
  [...marks.keys()].filter((index) => marks[index] === 'kept')

void t.test('windows include their bounds and name what failed', (t) => {
  const entropy = Float64Array.of(1, 2, 3, 4, 5)
  const marks = applyWindows(entropy, false, { ...open, entropyMin: 2, entropyMax: 4, position: [0.25, 1] })
  t.same(marks, ['position', 'kept', 'kept', 'kept', 'entropy-high'])
  t.same(applyWindows(entropy, true, open), Array(5).fill('flat-volume'))
  t.same(
    applyWindows(Float64Array.of(3), false, { ...open, position: [0.4, 0.6] }),
    ['kept'],
    'one slice has no position',
  )
  t.same(kept(applyWindows(new Float64Array(9), false, { ...open, stride: 3 })), [1, 4, 7], 'from the middle')
  t.same(kept(applyWindows(new Float64Array(8), false, { ...open, stride: 4 })), [3, 7])
  t.end()
})

void t.test('a share is the richest slices; ties go to the lower index', (t) => {
  const entropy = Float64Array.of(5, 7, 7, 7, 1)
  t.same(selectShare([{ volume: 0, entropy, isFlat: false }], { ...open, keepFraction: 0.4 }).map(kept), [
    [1, 2],
  ])
  t.end()
})

void t.test('images are chosen among together, ties go to the first', (t) => {
  const images = [3, 7, 1, 7, 7, 0, 2, 6].map((bits, volume) => ({
    volume,
    entropy: Float64Array.of(bits),
    isFlat: volume === 1,
  }))
  const marks = selectShare(images, { ...open, entropyMin: 1, keepFraction: 0.25 })
  t.same(marks.flat(), ['quota', 'flat-volume', 'quota', 'kept', 'kept', 'entropy-low', 'quota', 'quota'])
  t.same(selectShare([], open), [])
  t.end()
})

void t.test("a random share is as large, is the seed's, and any slice can be in it", (t) => {
  const entropy = Float64Array.from({ length: 20 }, (_, index) => index / 4)
  const chosen = (volume: number, seed: number): number[] =>
    selectShare([{ volume, entropy, isFlat: false }], {
      ...open,
      keepFraction: 0.5,
      rankBy: 'random',
      seed,
    }).flatMap(kept)
  t.same(chosen(3, 1), chosen(3, 1))
  t.notSame(chosen(3, 1), chosen(3, 2))
  const counts = new Float64Array(20)
  for (let volume = 0; volume < 400; volume += 1)
    for (const index of chosen(volume, 1)) counts[index] = (counts[index] ?? 0) + 1
  t.ok(
    counts.every((count) => Math.abs(count / 400 - 0.5) < 0.13),
    `each slice half of the time: ${counts.join(' ')}`,
  )
  t.end()
})

void t.test('shares of many volumes add up to the fraction', (t) => {
  for (const slices of [16, 130, 150, 155, 176, 256]) {
    let total = 0
    for (let volume = 0; volume < 1000; volume += 1) total += shareOf(volume, slices, 0.125)
    t.ok(Math.abs(total / (1000 * slices) - 0.125) < 2e-4, `${slices} slices: ${total / (1000 * slices)}`)
  }
  t.end()
})

/** Volumes of a stratum, all candidates. */
const volume = (stratum: string, ...bits: number[]) => ({
  stratum,
  scores: Float64Array.from(bits),
  marks: bits.map((): Reason => 'kept'),
})

void t.test('a total is divided by slices, and what one cannot fill goes to the others', (t) => {
  const volumes = [volume('a', 1, 2, 3, 4), volume('b', 5, 6), volume('a', 4, 9)]
  t.equal(selectTotal(volumes, 4), 4)
  t.same(
    volumes.map(({ marks }) => kept(marks)),
    [[2, 3].slice(1), [1], [0, 1]],
    'a: 3 of 6, ties to the first; b: 1 of 2',
  )

  const poor = [volume('a', 1, 2), volume('b', 5, 6, 7, 8)]
  poor[1]?.marks.fill('entropy-low', 1)
  t.equal(selectTotal(poor, 3), 3)
  t.same(
    poor.map(({ marks }) => kept(marks).length),
    [2, 1],
  )

  const asked = [volume('a', 1, 2, 3), volume('b', 5, 6, 7), volume('c', 1, 1, 1)]
  t.equal(selectTotal(asked, 5, { b: 3, c: 0 }), 5)
  t.same(
    asked.map(({ marks }) => kept(marks).length),
    [2, 3, 0],
  )
  t.equal(selectTotal([volume('a', 1)], 10), 1, 'no more than there are')
  t.equal(selectTotal([], 10), 0)
  t.end()
})

void t.test('a subject is on one side, and the sides have their sizes', (t) => {
  const sides = Array.from({ length: 4000 }, (_, i) => splitOf('ixi', `IXI${i}`, 0.1, 3))
  const share = sides.filter((side) => side === 'val').length / 4000
  t.ok(Math.abs(share - 0.1) < 0.02, String(share))
  t.same(
    sides,
    Array.from({ length: 4000 }, (_, i) => splitOf('ixi', `IXI${i}`, 0.1, 3)),
  )
  t.notSame(
    sides,
    Array.from({ length: 4000 }, (_, i) => splitOf('ixi', `IXI${i}`, 0.1, 4)),
  )
  t.equal(splitOf('ixi', 'x', 0, 0), 'train')
  t.equal(splitOf('ixi', 'x', 1, 0), 'val')
  t.end()
})
