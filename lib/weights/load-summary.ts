// A report of loading in a line for people: what was read, as what, and what of the file was left aside and why.
import type { LoadReport } from '../native.js'

export function loadSummary(report: LoadReport): string {
  const counts = new Map<string, number>()
  for (const { reason } of report.ignored) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const aside = [...counts].map(([reason, count]) => `${count} (${reason})`)
  const parts = [
    `${report.matched.length} tensors read as ${report.form}`,
    ...(report.folded.length === 0 ? [] : [`${report.folded.length} biases folded`]),
    ...(aside.length === 0 ? [] : [`left aside: ${aside.join(', ')}`]),
  ]
  return parts.join('; ')
}

/** The same for programs: every name that is not read as it is. */
export function loadFacts({ form, matched, adapted, folded, ignored }: LoadReport): object {
  return { form, matched: matched.length, adapted, folded, ignored }
}
