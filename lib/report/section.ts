// Parts of a report under a name, so that another report can show them again.
import { parseHTML } from 'linkedom/worker'
import { Html, html } from './html.js'

export function section(id: string, title: string, body: Html | readonly Html[]): Html {
  return html`<section id="${id}">
    <h2>${title}</h2>
    ${body}
  </section>`
}

// The library's declarations lean on the DOM's: what is used of it, typed here.
type Page = { document: { getElementById(id: string): { outerHTML: string } | null } }
const parse = parseHTML as unknown as (html: string) => Page

/** The named sections of a page that gyrus wrote, in this order. Throws where one is not there. */
export function takeSections(page: string, ids: readonly string[]): Html[] {
  const { document } = parse(page)
  return ids.map((id) => {
    const found = document.getElementById(id)
    if (found === null) throw new Error(`the report has no section '${id}'`)
    return new Html(found.outerHTML)
  })
}
