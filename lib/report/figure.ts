// Figures as SVG, drawn by Observable Plot on a document of linkedom's. Colours are the page's variables, so that the
// figures follow its light or dark theme.
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom/worker' // the same in one file: a third of the time to load
import { Html } from './html.js'

/** What all figures share. */
export const frame = { width: 430, style: { background: 'none', color: 'inherit', fontSize: '11px' } }

// The libraries' declarations lean on the DOM's, which a Node program does without: what is used of them, typed here.
type Options = Omit<Plot.PlotOptions, 'document'>
const plot = Plot.plot as unknown as (options: Options & { document: object }) => { outerHTML: string }
const parse = parseHTML as unknown as (html: string) => { document: object }

/** `label`: what the figure shows, for whoever cannot see it. */
export function draw(options: Options, label: string): Html {
  const { document } = parse('<!doctype html><html><body></body></html>')
  return new Html(plot({ ...options, document, ariaLabel: label }).outerHTML)
}
