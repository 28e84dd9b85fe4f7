// Student's t distribution, by the regularised incomplete beta function: P(T > t) = I_x(v/2, 1/2) / 2 with
// x = v / (v + t^2). The beta function's continued fraction is evaluated by Lentz's method.

/** P(T > t) for t >= 0 and v degrees of freedom. */
export function studentTail(t: number, v: number): number {
  return 0.5 * incompleteBeta(v / (v + t * t), v / 2, 0.5)
}

/** The t >= 0 that is exceeded with chance `tail` (below a half). */
studentTail.inverse = (tail: number, v: number): number => {
  let [low, high] = [0, 1]
  while (studentTail(high, v) > tail) high *= 2
  for (let i = 0; i < 200 && high - low > 1e-15 * high; i += 1) {
    const middle = (low + high) / 2
    if (studentTail(middle, v) > tail) low = middle
    else high = middle
  }
  return (low + high) / 2
}

function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges fast on one side of the mean only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) + logGamma(a + b) - logGamma(a) - logGamma(b))
  return (front * betaFraction(x, a, b)) / a
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  const safe = (value: number): number => (Math.abs(value) < tiny ? tiny : value)
  let c = 1
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= 500; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / safe(1 + even * d)
    c = safe(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / safe(1 + odd * d)
    c = safe(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return value
}

/** Stirling's series above 10, the recurrence below. */
function logGamma(x: number): number {
  let [value, shift] = [x, 0]
  while (value < 10) {
    shift += Math.log(value)
    value += 1
  }
  const inverse = 1 / (value * value)
  const series =
    (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / value
  return (value - 0.5) * Math.log(value) - value + 0.5 * Math.log(2 * Math.PI) + series - shift
}
