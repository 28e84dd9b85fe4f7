// The report's figures: slices by position, by entropy, by both.
import * as Plot from '@observablehq/plot'
import type { CurateSettings } from '../../options/curate.js'
import { draw, frame } from '../../report/figure.js'
import type { Html } from '../../report/html.js'
import { cellsAcross, cellsUp, maxBits, type Bar, type DatasetTally } from './tally.js'

const fates = ['kept', 'dropped'] as const
const color = { domain: [...fates], range: ['var(--kept)', 'var(--dropped)'] }
const rule = { stroke: 'var(--threshold)', strokeDasharray: '4,3' }

interface Bin {
  readonly from: number
  readonly to: number
  readonly fate: (typeof fates)[number]
  readonly count: number
}

function histogram(
  bars: readonly Bar[],
  axis: Plot.ScaleOptions,
  edges: readonly number[],
  label: string,
): Html {
  const bins = bars.flatMap((bar) => fates.map((fate): Bin => ({ ...bar, fate, count: bar[fate] })))
  return draw(
    {
      ...frame,
      height: 190,
      marginLeft: 52,
      color,
      x: axis,
      y: { grid: true, label: 'slices', ticks: 4, tickFormat: '~s' },
      marks: [
        Plot.rectY(bins, { x1: 'from', x2: 'to', y: 'count', fill: 'fate', insetLeft: 0.5, insetRight: 0.5 }),
        Plot.ruleX(edges, rule),
        Plot.ruleY([0]),
      ],
    },
    label,
  )
}

/** How many slices were kept and dropped at each relative position. */
export function positionChart(tally: DatasetTally, settings: CurateSettings): Html {
  const axis = { domain: [0, 1], label: 'relative position' }
  return histogram(tally.position, axis, settings.position, `${tally.dataset}: slices by position`)
}

/** How many slices were kept and dropped at each entropy. */
export function entropyChart(tally: DatasetTally, settings: CurateSettings): Html {
  const axis = { domain: [0, maxBits], label: 'entropy (bits)' }
  const edges = [settings.entropyMin, settings.entropyMax]
  return histogram(tally.entropy, axis, edges, `${tally.dataset}: slices by entropy`)
}

/** Where slices lie in the plane of position and entropy (darker: more), and which share of each cell was kept. */
export function planeChart(tally: DatasetTally, settings: CurateSettings): Html {
  const cells = tally.cells
    .filter(({ considered }) => considered > 0)
    .map(({ x, y, kept, considered }) => ({
      x1: x / cellsAcross,
      x2: (x + 1) / cellsAcross,
      y1: (y * maxBits) / cellsUp,
      y2: ((y + 1) * maxBits) / cellsUp,
      fate: kept > 0 ? 'kept' : 'dropped',
      share: considered,
    }))
  const window = {
    x1: settings.position[0],
    x2: settings.position[1],
    y1: settings.entropyMin,
    y2: settings.entropyMax,
  }
  return draw(
    {
      ...frame,
      height: 190,
      marginLeft: 52,
      color,
      x: { domain: [0, 1], label: 'relative position' },
      y: { domain: [0, maxBits], label: 'entropy (bits)' },
      opacity: { type: 'sqrt', range: [0.15, 1] },
      marks: [
        Plot.rect(cells, { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', fill: 'fate', fillOpacity: 'share' }),
        Plot.rect([window], { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', ...rule, fill: 'none' }),
      ],
    },
    `${tally.dataset}: slices by position and entropy`,
  )
}
