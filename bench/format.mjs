// How figures are written in RESULTS.md.

export const gib = (bytes) => (bytes / 2 ** 30).toFixed(2)
export const times = (value) => `${value.toFixed(2)} ×`
export const percent = (value) => `${(100 * value).toFixed(1)} %`
export const ms = (seconds) => (seconds * 1000).toFixed(1)
export const day = (record) => record.date.slice(0, 10)
/** Thousand millions, with three digits or so; '-' for none. */
export const giga = (value) => (value > 0 ? (value / 1e9).toFixed(value < 99.95e9 ? 1 : 0) : '-')
export const row = (cells) => `| ${cells.join(' | ')} |`
