// Neighbours and the linear probe through the public API.
import t from 'tap'
import { linearProbe, nearestNeighbours } from '../../lib/index.js'
import { rejection } from '../support/rejection.js'

void t.test('neighbours by cosine', async (t) => {
  const bank = Float32Array.of(1, 0, 0, 1, 1, 1)
  const { indices, similarities } = await nearestNeighbours(bank, Float32Array.of(2, 0.1), { dim: 2, k: 3 })
  t.same([...indices], [0, 2, 1])
  t.ok(Math.abs((similarities[1] ?? 0) - 2.1 / Math.hypot(2, 0.1) / Math.SQRT2) < 1e-6)
  const own = await nearestNeighbours(bank, bank.slice(), { dim: 2, excludesOwn: true })
  t.same([...own.indices], [2, 2, 0])
  await rejection(t, nearestNeighbours(bank, bank.slice(), { dim: 4 }), 'ERR_GYRUS_SHAPE')
  await rejection(t, nearestNeighbours(bank, bank.slice(), { dim: 2, k: 4 }), 'ERR_GYRUS_INVALID_ARGUMENT')
  await rejection(
    t,
    nearestNeighbours(bank, bank.slice(), { dim: 0 }),
    'ERR_GYRUS_INVALID_ARGUMENT',
    'RangeError',
  )
})

void t.test('a linear probe parts what a line parts', async (t) => {
  const train = Float32Array.of(-3, 1, -2, 1, -4, 1, 3, 1, 2, 1, 4, 1)
  const labels = Int32Array.of(0, 0, 0, 1, 1, 1)
  const { logits, iterations } = await linearProbe(train, labels, Float32Array.of(-1, 1, 1, 1), {
    dim: 2,
    classes: 2,
  })
  t.equal(logits.length, 4)
  t.ok((logits[0] ?? 0) > (logits[1] ?? 0) && (logits[2] ?? 0) < (logits[3] ?? 0))
  t.ok(iterations <= 1000)
  const wrong = Int32Array.of(0, 0, 0, 1, 1, 2)
  await rejection(
    t,
    linearProbe(train, wrong, train.slice(), { dim: 2, classes: 2 }),
    'ERR_GYRUS_INVALID_ARGUMENT',
  )
})
