// What the reports of classifiers are made of: confusion matrices, learning curves, reliability, pictures.
import * as Plot from '@observablehq/plot'
import type { OpenedSet } from '../../../labelled/open.js'
import type { Calibration } from '../../../metrics/calibration.js'
import type { Confusion } from '../../../metrics/confusion.js'
import { draw, frame } from '../../../report/figure.js'
import { Html, html } from '../../../report/html.js'
import { pictureUrl } from '../../../report/picture.js'
import { style } from '../../../report/style.js'
import { ViewLoader } from '../../../view-loader.js'

export const percent = (share: number, digits = 1): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : '–'

export function page(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>gyrus: ${title}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `.text
}

/** Rows are the truth; a cell's shade is its share of the row. */
export function confusionTable(matrix: Confusion, classes: readonly string[], title: string): Html {
  const rows = matrix.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    const cells = row.map((count) => {
      const share = total === 0 ? 0 : count / total
      const shade = `background: color-mix(in srgb, var(--kept) ${Math.round(70 * share)}%, transparent)`
      return html`<td class="number" style="${shade}" title="${percent(share)} of the row">${count}</td>`
    })
    return html`<tr>
      <th>${classes[truth] ?? ''}</th>
      ${cells}
    </tr>`
  })
  return html`<figure>
    <table class="whole">
      <thead>
        <tr>
          <th>truth \\ found</th>
          ${classes.map((name) => html`<th class="number">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <figcaption>${title}</figcaption>
  </figure>`
}

export interface NamedPoint {
  readonly epoch: number
  readonly value: number
  /** Of its line. */
  readonly name: string
  /** Lines of one name and several runs are told apart by it. */
  readonly run: string
}

/** Okabe and Ito's colours, which the colour-blind can tell apart, without black and yellow. */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00']
const colourOf = (names: readonly string[], name: string): string =>
  palette[names.indexOf(name) % palette.length] ?? ''

/** A thin line a run, and a thick one for the means of the runs of a name. */
export function curves(points: readonly NamedPoint[], label: string): Html {
  if (points.length === 0) return html`<p>There are no epochs: the classifier was solved for.</p>`
  const names = [...new Set(points.map(({ name }) => name))]
  const means = names.flatMap((name) => meansOf(points.filter((point) => point.name === name)))
  const last = Math.max(...points.map(({ epoch }) => epoch))
  const channels = { x: 'epoch', y: 'value', stroke: 'name' } as const
  const figure = draw(
    {
      ...frame,
      height: 220,
      marginLeft: 48,
      color: { domain: names, range: names.map((name) => colourOf(names, name)) },
      x: { label: 'epoch', ticks: ticksTo(last), tickFormat: 'd' },
      y: { grid: true, label: null, ticks: 4 },
      marks: [
        Plot.line(points, { ...channels, z: 'run', strokeOpacity: 0.3 }),
        Plot.line(means, { ...channels, z: 'name', strokeWidth: 2.5 }),
        ...(last === 1 ? [Plot.dot(points, channels)] : []),
      ],
    },
    label,
  )
  const swatch = (name: string): Html => new Html(`<i style="background: ${colourOf(names, name)}"></i>`)
  const legend = names.map((name) => html`${swatch(name)}${name} `)
  return html`<figure>
    ${figure}
    <figcaption>${label}<br />${legend}</figcaption>
  </figure>`
}

function meansOf(points: readonly NamedPoint[]): NamedPoint[] {
  const epochs = [...new Set(points.map(({ epoch }) => epoch))].sort((a, b) => a - b)
  return epochs.map((epoch) => {
    const own = points.filter((point) => point.epoch === epoch)
    const value = own.reduce((sum, point) => sum + point.value, 0) / own.length
    return { epoch, value, name: own[0]?.name ?? '', run: '' }
  })
}

/** Whole numbers, ten at most. */
function ticksTo(last: number): number[] {
  const stride = Math.ceil(last / 10)
  return Array.from({ length: Math.floor(last / stride) }, (_, at) => (at + 1) * stride)
}

export function reliability({ bins, ece }: Calibration): Html {
  const filled = bins.filter(({ count }) => count > 0)
  return html`<figure>
    ${draw(
      {
        ...frame,
        height: 220,
        x: { label: 'confidence', domain: [0, 1] },
        y: { label: 'accuracy', domain: [0, 1], grid: true },
        marks: [
          Plot.rectY(filled, { x1: 'low', x2: 'high', y: 'accuracy', fill: 'var(--kept)', inset: 1 }),
          Plot.line(
            [
              [0, 0],
              [1, 1],
            ],
            { stroke: 'var(--threshold)', strokeDasharray: '4,3' },
          ),
        ],
      },
      'accuracy by confidence',
    )}
    <figcaption>Calibration error ${percent(ece)}: the bars should meet the line</figcaption>
  </figure>`
}

export interface Example {
  /** Place in the set's lists. */
  readonly place: number
  readonly found: number
  /** Of the class that was found. */
  readonly confidence: number
}

const pictureSize = 100

export async function pictures({ set }: OpenedSet, examples: readonly Example[]): Promise<Html> {
  if (examples.length === 0) return html`<p>None.</p>`
  await using views = await ViewLoader.open({ shards: set.shards, imageSize: pictureSize, mean: 0, std: 1 })
  const figures: Html[] = []
  for (const { place, found, confidence } of examples) {
    const x = new Float32Array(pictureSize ** 2)
    await views.plain(Uint32Array.of(set.rows[place] ?? 0), x)
    const grey = Uint8Array.from(x, (value) => Math.min(255, Math.max(0, Math.round(255 * value))))
    const truth = set.classes[set.labels[place] ?? 0] ?? ''
    const said = set.classes[found] ?? ''
    figures.push(
      html`<figure title="${set.names[place] ?? ''}">
        <img
          src="${pictureUrl(grey, pictureSize)}"
          width="${pictureSize}"
          height="${pictureSize}"
          alt="${set.names[place] ?? ''}"
        />
        <figcaption>
          ${truth === said ? said : `${truth}, taken for ${said}`}
          (${percent(confidence, 0).replace(' ', '\u00a0')})
        </figcaption>
      </figure>`,
    )
  }
  return html`<div class="montage">${figures}</div>`
}

export function list(items: readonly string[]): Html {
  if (items.length === 0) return html`<p>Nothing that should be known.</p>`
  return html`<ul>
    ${items.map((item) => html`<li>${item}</li>`)}
  </ul>`
}
