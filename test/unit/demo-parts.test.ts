// Parts of the demo: the search for a real head, and the one report.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { findTemplate } from '../../lib/cohort/find-template.js'
import { writeDemoReport } from '../../lib/demo/report.js'
import { html } from '../../lib/report/html.js'
import { section, takeSections } from '../../lib/report/section.js'

void t.test('a real head is looked for where tools put theirs', async (t) => {
  const root = t.testdir()
  const touch = (path: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), '')
    return join(root, path)
  }
  const environment = {
    HOME: join(root, 'home'),
    FSLDIR: join(root, 'opt/fsl'),
    VIRTUAL_ENV: join(root, 'venv'),
    CONDA_PREFIX: '',
  }
  const found = (): Promise<string | undefined> => findTemplate({ environment, root })
  t.equal(await found(), undefined, 'nothing is there')
  // Each goes before those that were there.
  const nilearn = 'site-packages/nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz'
  touch('venv/lib/python3/nothing')
  const [old, wheel] = [touch(`venv/lib/python3.9/${nilearn}`), touch(`venv/lib/python3.11/${nilearn}`)]
  t.equal(await found(), wheel)
  t.not(wheel, old, 'the newer Python')
  const fetched = 'icbm152_2009/mni_icbm152_nlin_sym_09a/mni_icbm152_t1_tal_nlin_sym_09a.nii.gz'
  const home = touch(`home/nilearn_data/${fetched}`)
  t.equal(await found(), home)
  const shared = touch(`shared/${fetched}`)
  t.equal(
    await findTemplate({ environment: { ...environment, NILEARN_DATA: join(root, 'shared') }, root }),
    shared,
  )
  const fsl = touch('opt/fsl/data/standard/MNI152_T1_1mm.nii.gz')
  t.equal(await found(), fsl)
  const mricron = touch('usr/share/mricron/templates/ch2.nii.gz')
  t.equal(await found(), mricron)
})

void t.test('sections are taken from a page', (t) => {
  const page = html`<!doctype html>
    <body>
      ${section('a', 'A & B', html`<svg><path d="M0,0" /></svg>`)}
    </body>`
  const [found] = takeSections(page.text, ['a'])
  t.match(
    found?.text,
    /^<section id="a">\s*<h2>A &amp; B<\/h2>\s*<svg><path d="M0,0".*<\/svg>\s*<\/section>$/,
  )
  t.throws(() => takeSections(page.text, ['b']), /has no section 'b'/)
  t.end()
})

void t.test('the one report leads with the result', async (t) => {
  const out = t.testdir()
  const write = (name: string, ids: readonly string[]): string => {
    const parts = ids.map((id) => section(id, id, html`<p>from ${name}</p>`))
    writeFileSync(
      join(out, name),
      html`<!doctype html>
        <body>
          ${parts}
        </body>`.text,
    )
    return join(out, name)
  }
  const classes = ['glioma', 'meningioma', 'none']
  const probe = (hits: number) => ({
    classes,
    trained: 30,
    tested: 12,
    balancedAccuracy: hits / 12,
    accuracy: hits / 12,
    confusion: [
      [4, 0, 0],
      [0, 4, 0],
      [0, 12 - hits, hits - 8],
    ],
  })
  const path = await writeDemoReport({
    out,
    untrained: probe(9),
    pretrained: probe(11),
    steps: 600,
    subjects: 48,
    template: '/somewhere/T1 & more.nii.gz',
    curation: write('curation.html', ['by-dataset', 'near-thresholds']),
    run: write('run.html', ['learning', 'health', 'neighbours']),
  })
  const page = readFileSync(path, 'utf8')
  t.notMatch(page, /(src|href)="(?!data:)/, 'it stands alone')
  const ids = ['result', 'learning', 'neighbours', 'health', 'by-dataset', 'near-thresholds']
  const places = ids.map((id) => page.indexOf(`id="${id}"`))
  t.same(
    places,
    [...places].sort((a, b) => a - b),
  )
  t.notOk(places.includes(-1), 'all are there')
  t.match(page, /91\.7 %[^]*75\.0 %[^]*\+16\.7 points/)
  t.match(page, /33\.3 %/, 'guessing')
  t.match(page, /deformed from <code>\/somewhere\/T1 &amp; more\.nii\.gz<\/code>/)
  t.equal((page.match(/truth \\ found/g) ?? []).length, 2, 'two confusion matrices')
})
