// OASIS-3, as BIDS (sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_T1w.nii.gz) and as XNAT downloads it
// (OAS30001_MR_d0129/anat2/NIFTI/sub-OAS30001_ses-d0129_T1w.nii.gz). Anatomy: function, susceptibility,
// field maps and PET are left out, angiographies and diffusion unless they are asked for.
import { fileName, type Adapter } from './adapter.js'

const isVolume = /\.nii(\.gz)?$/
const belongs = /(^sub-|^)OAS3\d{4}/
const subjectPattern = /OAS3\d{4}/
const sessionPattern = /(?:_MR_|ses+-)(d\d{4})/
const suffixPattern = /_([A-Za-z0-9]+)\.nii(\.gz)?$/
const contrasts: Readonly<Record<string, string>> = {
  T1w: 't1',
  T2w: 't2',
  FLAIR: 'flair',
  T2star: 't2star',
  PD: 'pd',
  PDw: 'pd',
  angio: 'mra',
  dwi: 'dti',
}
const otherFolders = /^(func|swi|fmap|pet|perf|asl|bold|minip)\d*$/i
const diffusionFolders = /^(dwi|dti)\d*$/i

export const oasis3: Adapter = {
  name: 'oasis3',
  claim(segments) {
    const name = fileName(segments)
    const owner = segments.findLast((segment) => belongs.test(segment))
    if (owner === undefined || !isVolume.test(name)) return undefined
    const subject = subjectPattern.exec(owner)?.[0] ?? ''
    const session = segments
      .map((segment) => sessionPattern.exec(segment)?.[1])
      .findLast((day) => day !== undefined)
    const contrast = contrasts[suffixPattern.exec(name)?.[1] ?? '']
    const folders = segments.slice(1, -1)
    const isOther =
      folders.some((folder) => otherFolders.test(folder)) ||
      (contrast !== 'dti' && folders.some((folder) => diffusionFolders.test(folder)))
    if (contrast === undefined || isOther) return { skip: 'not-anatomical' }
    return { subject, session: session ?? '', contrast, part: '', format: 'nifti' }
  },
}
