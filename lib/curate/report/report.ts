// report.html: one file that stands alone, of what a run kept, dropped and could not read, and why. Says nothing of
// time or machine: the same input and settings give the same report.
import type { SkippedFile } from '../../datasets/source.js'
import type { CurateSettings } from '../../options/curate.js'
import { html, type Html } from '../../report/html.js'
import { section } from '../../report/section.js'
import { settingsTable } from '../../report/settings.js'
import { style } from '../../report/style.js'
import { countSkipped, effectiveSettings } from '../plan.js'
import type { Counts, JudgedVolume } from '../result.js'
import { reasons, type Reason } from '../select.js'
import { entropyChart, planeChart, positionChart } from './charts.js'
import { thresholds, thumbnailSize, type ShownSlice, type Threshold } from './montage.js'
import { tallyByDataset, type DatasetTally } from './tally.js'

/** A slice that is shown, as a picture. */
export interface Picture extends ShownSlice {
  readonly url: string
}

export interface ReportFacts {
  readonly settings: CurateSettings
  readonly counts: Counts
  readonly judged: readonly JudgedVolume[]
  /** By the volume's place in the plan. */
  readonly pictures: ReadonlyMap<number, readonly Picture[]>
  /** Files and folders left out before they were opened. */
  readonly skipped: readonly SkippedFile[]
  /** Of the volumes' files. */
  readonly bytes: number
}

/** Unreadable files that are named; the manifest names all. */
const namedFiles = 100

const reasonTexts: Readonly<Record<Reason, string>> = {
  kept: 'kept',
  position: 'outside the position window',
  'entropy-low': 'entropy too low',
  'entropy-high': 'entropy too high',
  thinned: 'between the strides',
  quota: 'richer slices filled the share',
  'flat-volume': 'of a volume of one value',
  unreadable: 'volumes that could not be read',
}

const thresholdTexts: Readonly<Record<Threshold, string>> = {
  position: 'Edges of the position window',
  'entropy-low': 'Lowest entropy',
  'entropy-high': 'Highest entropy',
  quota: 'Share of a volume or stratum: the last slice that was kept, the first that was not',
}

const grouped = new Intl.NumberFormat('en')
const whole = (count: number): string => grouped.format(count)
const percent = (part: number, of: number): string => (of > 0 ? `${((100 * part) / of).toFixed(1)} %` : '–')

/** The page as text. */
export function renderReport(facts: ReportFacts): string {
  const { counts } = facts
  const tallies = tallyByDataset(facts.judged)
  const montages = thresholds.map((threshold) => montage(threshold, facts))
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>gyrus: curation</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <h1>
          ${whole(counts.kept)} of ${whole(counts.considered)} slices kept
          <small>${percent(counts.kept, counts.considered)}</small>
        </h1>
        ${tiles(facts)}
        ${section(
          'by-dataset',
          'By dataset',
          tallies.map((tally) => datasetFigures(tally, facts.settings)),
        )}
        ${section('by-reason', 'By reason', reasonTable(tallies))}
        ${section('by-contrast', 'By contrast', contrastTable(counts))}
        ${section('near-thresholds', 'Near the thresholds', montages)} ${unreadable(facts)}
        ${notConsidered(facts)}
        <h2>Settings</h2>
        ${settingsTable(effectiveSettings(facts.settings))}
      </body>
    </html> `
  return page.text
}

function tiles({ counts, bytes }: ReportFacts): Html {
  const { train, val } = counts.subjects
  const facts: [string, string, string][] = [
    ['volumes', whole(counts.volumes), `${(bytes / 1e9).toFixed(2)} GB of files`],
    ['subjects', whole(train + val), `${whole(train)} to train, ${whole(val)} to validate`],
    ['unreadable', whole(counts.unreadable), counts.unreadable > 0 ? 'named below' : 'every file was read'],
    ['non-finite voxels', whole(counts.nonFiniteVoxels), 'taken as 0'],
  ]
  return html`<ul class="tiles">
    ${facts.map(([name, value, note]) => html`<li><b>${value}</b> ${name}<small>${note}</small></li>`)}
  </ul>`
}

function datasetFigures(tally: DatasetTally, settings: CurateSettings): Html {
  return html`<section>
    <h3>
      ${tally.dataset}
      <small>${whole(tally.counts.kept)} of ${whole(tally.considered)} kept</small>
      <span class="legend"
        ><i class="kept"></i> kept <i class="dropped"></i> dropped <i class="edge"></i> threshold</span
      >
    </h3>
    <div class="figures">
      <figure>
        ${entropyChart(tally, settings)}
        <figcaption>Entropy</figcaption>
      </figure>
      <figure>
        ${positionChart(tally, settings)}
        <figcaption>Position, 0 the lowest slice</figcaption>
      </figure>
      <figure>
        ${planeChart(tally, settings)}
        <figcaption>Both; denser where there are more slices, coloured where some are kept</figcaption>
      </figure>
    </div>
  </section>`
}

function reasonTable(tallies: readonly DatasetTally[]): Html {
  const rows = reasons.filter((reason) => tallies.some(({ counts }) => counts[reason] > 0))
  const total = (reason: Reason): number => tallies.reduce((sum, { counts }) => sum + counts[reason], 0)
  return html`<table>
    <thead>
      <tr>
        <th>reason</th>
        ${tallies.map(({ dataset }) => html`<th class="number">${dataset}</th>`)}
        <th class="number">all</th>
        <th></th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (reason) =>
          html`<tr>
            <td>${reasonTexts[reason]} <code>${reason}</code></td>
            ${tallies.map(({ counts }) => html`<td class="number">${whole(counts[reason])}</td>`)}
            <td class="number">${whole(total(reason))}</td>
            <td>${reason === 'unreadable' ? '' : bar(total(reason), tallies, reason === 'kept')}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function bar(count: number, tallies: readonly DatasetTally[], isKept: boolean): Html {
  const considered = tallies.reduce((sum, tally) => sum + tally.considered, 0)
  const share = considered > 0 ? (100 * count) / considered : 0
  return html`<span
      class="bar ${isKept ? 'kept' : 'dropped'}"
      style="width: ${(1.6 * share).toFixed(1)}px"
    ></span>
    ${percent(count, considered)}`
}

function contrastTable({ groups }: Counts): Html {
  return html`<table>
    <thead>
      <tr>
        <th>dataset</th>
        <th>contrast</th>
        <th class="number">volumes</th>
        <th class="number">slices</th>
        <th class="number">kept</th>
        <th class="number">share</th>
      </tr>
    </thead>
    <tbody>
      ${groups.map(
        (group) =>
          html`<tr>
            <td>${group.dataset}</td>
            <td>${group.contrast}</td>
            <td class="number">${whole(group.volumes)}</td>
            <td class="number">${whole(group.considered)}</td>
            <td class="number">${whole(group.kept)}</td>
            <td class="number">${percent(group.kept, group.considered)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function montage(threshold: Threshold, facts: ReportFacts): Html {
  const all = [...facts.pictures].sort(([a], [b]) => a - b)
  const side = (isKept: boolean): Html[] =>
    all.flatMap(([volume, pictures]) =>
      pictures
        .filter((one) => one.threshold === threshold && one.isKept === isKept)
        .map((one) => figure(one, facts.judged[volume])),
    )
  const [dropped, kept] = [side(false), side(true)]
  if (dropped.length === 0) return html``
  return html`<section>
    <h3>${thresholdTexts[threshold]} <code>${threshold}</code></h3>
    <h4><i class="kept"></i> kept</h4>
    <div class="montage">${kept}</div>
    <h4><i class="dropped"></i> dropped</h4>
    <div class="montage">${dropped}</div>
  </section>`
}

function figure(picture: Picture, judged: JudgedVolume | undefined): Html {
  const { dataset = '', subject = '', path = '', contrast = '' } = judged?.source ?? {}
  const name = `${subject} ${contrast}`
  return html`<figure title="${path}, slice ${picture.index}">
    <img
      src="${picture.url}"
      width="${thumbnailSize}"
      height="${thumbnailSize}"
      alt="${dataset}: ${name}, slice ${picture.index}"
    />
    <figcaption>${name}<br />slice ${picture.index}, ${picture.bits.toFixed(2)} bits</figcaption>
  </figure>`
}

function unreadable({ judged, counts }: ReportFacts): Html {
  if (counts.unreadable === 0) return html``
  const rows: Html[] = []
  for (const { source, entry } of judged) {
    if (entry.kind !== 'unreadable') continue
    if (rows.length === namedFiles) break
    rows.push(
      html`<tr>
        <td>${source.path}</td>
        <td><code>${entry.code}</code></td>
        <td>${entry.message}</td>
      </tr>`,
    )
  }
  const more = counts.unreadable - rows.length
  return html`<h2>Unreadable</h2>
    <table>
      <thead>
        <tr>
          <th>file</th>
          <th>code</th>
          <th>why</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    ${more > 0 ? html`<p>and ${whole(more)} more: see the manifest, reason <code>unreadable</code>.</p>` : ''}`
}

function notConsidered({ skipped }: ReportFacts): Html {
  const entries = Object.entries(countSkipped(skipped)).sort(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0) return html``
  return html`<h2>Files not considered</h2>
    <table>
      <tbody>
        ${entries.map(
          ([reason, count]) =>
            html`<tr>
              <td><code>${reason}</code></td>
              <td class="number">${whole(count)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    <p><code>skipped.jsonl</code> names each of them.</p>`
}
