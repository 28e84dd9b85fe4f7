// IXI: IXI012-HH-1211-T1.nii.gz: subject, hospital, number, contrast; angiographies (MRA) and diffusion (DTI-NN) too.
import { fileName, type Adapter } from './adapter.js'

const pattern = /^(IXI\d{3})-([A-Za-z]+)-(\d+)-(T1|T2|PD|MRA|DTI)(-\d+)?\.nii(\.gz)?$/

export const ixi: Adapter = {
  name: 'ixi',
  claim(segments) {
    const match = pattern.exec(fileName(segments))
    if (match === null) return undefined
    const [, subject = '', hospital = '', , contrast = ''] = match
    return { subject, session: hospital, contrast: contrast.toLowerCase(), part: '', format: 'nifti' }
  },
}
