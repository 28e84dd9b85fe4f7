// The report's curves. Long runs are thinned to as many points as the eye can tell apart.
import * as Plot from '@observablehq/plot'
import { draw, frame } from './figure.js'
import type { Html } from './html.js'

export interface Point {
  readonly step: number
  readonly value: number
}

export interface Curve {
  readonly label: string
  readonly points: readonly Point[]
  /** Horizontal lines with a name: chance, a limit. */
  readonly marks?: readonly { readonly name: string; readonly value: number }[]
  readonly isLog?: boolean
}

const mostPoints = 600
const smoothing = 0.02 // of the points

export function drawCurve({ label, points, marks = [], isLog = false }: Curve): Html {
  const thin = thinned(points)
  const window = Math.max(1, Math.round(smoothing * thin.length))
  const smooth = Plot.windowY(
    { k: window, strict: false },
    { x: 'step', y: 'value', stroke: 'var(--kept)', strokeWidth: 2 },
  )
  return draw(
    {
      ...frame,
      height: 190,
      marginLeft: 52,
      x: { label: 'step', tickFormat: '~s' },
      y: { grid: true, label: null, ticks: 4, ...(isLog ? { type: 'log' as const } : {}) },
      marks: [
        Plot.ruleY(marks, { y: 'value', stroke: 'var(--threshold)', strokeDasharray: '4,3' }),
        Plot.text(marks, {
          y: 'value',
          text: 'name',
          frameAnchor: 'right',
          textAnchor: 'end',
          dy: -6,
          fill: 'var(--threshold)',
        }),
        Plot.line(thin, { x: 'step', y: 'value', stroke: 'var(--dropped)' }),
        Plot.line(thin, smooth),
      ],
    },
    label,
  )
}

/** Every so manieth point, and always the last. */
function thinned(points: readonly Point[]): readonly Point[] {
  const stride = Math.ceil(points.length / mostPoints)
  return points.filter((_, at) => at % stride === 0 || at === points.length - 1)
}
