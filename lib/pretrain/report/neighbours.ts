// What the encoder thinks alike: some slices, and of each the nearest ones of other subjects.
import sharp from 'sharp'
import { Encoder } from '../../encoder.js'
import { nearestNeighbours } from '../../features.js'
import type { PretrainSettings } from '../../options/pretrain.js'
import { html, type Html } from '../../report/html.js'
import type { CuratedSlices } from '../../slices/curated.js'
import { embedAll } from '../../slices/embed.js'
import type { ViewLoader } from '../../view-loader.js'

const asked = 8 // slices
const shown = 7 // neighbours of each
const bankSize = 512 // slices at most
const candidates = 64 // so that enough are of other subjects
const thumbnailSize = 96 // px
const batchSize = 32
const longestName = 12 // of a subject below its picture; fastMRI's are hashes

interface Sources {
  readonly settings: PretrainSettings
  readonly slices: CuratedSlices
  readonly views: ViewLoader
  /** The network's weights, under torchvision's or timm's names. */
  readonly backbone: string
}

export async function neighbourMontage({ settings, slices, views, backbone }: Sources): Promise<Html> {
  const rows = spread(slices.count, Math.min(bankSize, slices.count))
  const { arch, imageSize, channels, heads, device, precision, threads } = settings
  const encoder = await Encoder.load({
    weights: backbone,
    ...{ arch, imageSize, channels, heads, device, precision, threads },
  })
  try {
    const elements = channels * imageSize ** 2
    const features = await embedAll(encoder, views, rows, { batchSize, elements })
    const { dim } = encoder
    const queries = spread(rows.length, Math.min(asked, rows.length))
    const picked = new Float32Array(queries.length * dim)
    queries.forEach((at, query) => {
      picked.set(features.subarray(at * dim, (at + 1) * dim), query * dim)
    })
    const k = Math.min(candidates, rows.length)
    const { indices, similarities } = await nearestNeighbours(features, picked, { dim, k })
    const lines: Html[] = []
    for (const [query, place] of queries.entries()) {
      const row = rows[place] ?? 0
      const others = [...indices.subarray(query * k, (query + 1) * k)]
        .map((other, at) => ({ row: rows[other] ?? 0, cosine: similarities[query * k + at] ?? 0 }))
        .filter((other) => personOf(slices, other.row) !== personOf(slices, row))
        .slice(0, shown)
      const pictures = [await picture(settings, slices, views, row)]
      for (const { row: other, cosine } of others)
        pictures.push(await picture(settings, slices, views, other, cosine))
      lines.push(html`<div class="montage">${pictures}</div>`)
    }
    return html`${lines}`
  } finally {
    await encoder.dispose()
  }
}

const personOf = ({ facts }: CuratedSlices, row: number): string =>
  `${facts.dataset[row]}/${facts.subject[row]}`

/** `count` numbers below `total`, evenly spread. */
function spread(total: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) * total) / count))
}

async function picture(
  settings: PretrainSettings,
  { facts }: CuratedSlices,
  views: ViewLoader,
  row: number,
  cosine?: number,
): Promise<Html> {
  const { imageSize, channels, mean, std } = settings
  const x = new Float32Array(channels * imageSize ** 2)
  await views.plain(Uint32Array.of(row), x)
  const grey = Uint8Array.from(x.subarray(0, imageSize ** 2), (value) =>
    Math.min(255, Math.max(0, Math.round(255 * (value * std + mean)))),
  )
  const raw = { width: imageSize, height: imageSize, channels: 1 } as const
  const png = await sharp(grey, { raw })
    .resize(thumbnailSize, thumbnailSize)
    .png({ compressionLevel: 9 })
    .toBuffer()
  const subject = facts.subject[row] ?? ''
  const behind = `${facts.contrast[row]}, slice ${facts.index[row]}`
  const name = `${subject} ${behind}`
  const short = `${subject.length > longestName ? `${subject.slice(0, longestName - 1)}…` : subject} ${behind}`
  return html`<figure title="${name}">
    <img
      src="data:image/png;base64,${png.toString('base64')}"
      width="${thumbnailSize}"
      height="${thumbnailSize}"
      alt="${facts.dataset[row] ?? ''}: ${name}"
    />
    <figcaption>
      ${cosine === undefined ? html`<b>${short}</b>` : `${short} (${cosine.toFixed(3)})`}
    </figcaption>
  </figure>`
}
