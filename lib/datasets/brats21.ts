// BraTS 2021 (BraTS2021_00000/BraTS2021_00000_t1ce.nii.gz), and the names of the same data since 2023
// (BraTS-GLI-00000-000/BraTS-GLI-00000-000-t1c.nii.gz). The labelled cases are for training.
import { fileName, partOf, type Adapter } from './adapter.js'

const older = /^(BraTS2021_\d{5})_(flair|t1|t1ce|t2|seg)\.nii(\.gz)?$/
const newer = /^(BraTS-GLI-\d{5})-(\d{3})-(t2f|t1n|t1c|t2w|seg)\.nii(\.gz)?$/
const contrasts: Readonly<Record<string, string>> = { t1n: 't1', t1c: 't1ce', t2w: 't2', t2f: 'flair' }
/** The archives' folders, whatever they lie in: RSNA_ASNR_MICCAI_BraTS2021_ValidationData. */
const archives = [
  [/brats.*[-_]validation_?(data|set)/i, 'val'],
  [/brats.*[-_]test(ing)?_?(data|set)/i, 'test'],
] as const
/** What people name the same, below the root: a root may have any name. */
const parts = [
  ...archives,
  [/^val(idation)?_?(data|set)?$/i, 'val'],
  [/^test(ing)?_?(data|set)?$/i, 'test'],
] as const

export const brats21: Adapter = {
  name: 'brats21',
  claim(segments) {
    const name = fileName(segments)
    const old = older.exec(name)
    const [, subject = '', visit = '', kind = ''] =
      old === null ? (newer.exec(name) ?? []) : [name, old[1], '', old[2]]
    if (subject === '') return undefined
    if (kind === 'seg') return { skip: 'segmentation' }
    const [root = '', ...folders] = segments.slice(0, -1)
    const part = partOf(folders, parts) ?? partOf([root], archives) ?? 'train'
    return { subject, session: visit, contrast: contrasts[kind] ?? kind, part, format: 'nifti' }
  },
}
