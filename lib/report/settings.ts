// A table of settings, as they stand in every report.
import { html, type Html } from './html.js'

export function settingsTable(settings: Iterable<readonly [name: string, value: unknown]>): Html {
  return html`<table>
    <tbody>
      ${[...settings].map(
        ([name, value]) =>
          html`<tr>
            <td><code>${name}</code></td>
            <td>${typeof value === 'string' ? value : JSON.stringify(value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}
