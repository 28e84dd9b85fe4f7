// The adapters: archives in their real layouts, decoys among them, parts that are held out.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { discover, discoverAll } from '../../lib/datasets/discover.js'
import type { VolumeSource } from '../../lib/datasets/source.js'
import { latin1Path } from '../support/files.js'
import { rejection } from '../support/rejection.js'

/** Makes files of as many bytes as their names have characters. */
function tree(t: Test, files: readonly string[]): string {
  const root = t.testdir()
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), file)
  }
  return root
}

const words = ({ subject, session, contrast, part, path }: VolumeSource): string =>
  [subject, session, contrast, part, path].join(' ')

void t.test('fastMRI: contrasts, and what is held out', async (t) => {
  const root = tree(t, [
    'multicoil_train/file_brain_AXT2_200_6000001.h5',
    'multicoil_train/file_brain_AXT1POST_201_6000002.h5',
    'multicoil_train/file_brain_AXT1PRE_201_6000003.h5',
    'multicoil_train/._file_brain_AXT2_200_6000001.h5',
    'multicoil_val/file_brain_AXFLAIR_202_6000004.h5',
    'multicoil_test_full/file_brain_AXT1_203_6000005.h5',
    'multicoil_train/readme.txt',
  ])
  const [found, ...rest] = await discover(root)
  t.same(rest, [])
  t.equal(found?.dataset, 'fastmri')
  t.same(found?.volumes.map(words), [
    '201_6000002  t1ce train multicoil_train/file_brain_AXT1POST_201_6000002.h5',
    '201_6000003  t1 train multicoil_train/file_brain_AXT1PRE_201_6000003.h5',
    '200_6000001  t2 train multicoil_train/file_brain_AXT2_200_6000001.h5',
  ])
  t.equal(found?.volumes[0]?.format, 'fastmri')
  t.equal(found?.volumes[0]?.bytes, found?.volumes[0]?.path.length)
  t.same(
    found?.skipped.map(({ reason }) => reason),
    ['held-out', 'held-out'],
  )
  const [asked] = await discover(root, { parts: ['val', 'test'], contrasts: ['flair'] })
  t.same(asked?.volumes.map(words), [
    '202_6000004  flair val multicoil_val/file_brain_AXFLAIR_202_6000004.h5',
  ])
  const [inside] = await discover(join(root, 'multicoil_val'))
  t.same(inside?.volumes, [], 'a part is known by its own name too')
})

void t.test('OASIS-3: BIDS and XNAT', async (t) => {
  const root = tree(t, [
    'sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz',
    'sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_run-01_T1w.json',
    'sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_acq-TSE_T2w.nii.gz',
    'sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_T2star.nii.gz',
    'sub-OAS30001/ses-d0129/func/sub-OAS30001_ses-d0129_task-rest_bold.nii.gz',
    'sub-OAS30001/ses-d0129/swi/sub-OAS30001_ses-d0129_T2star.nii.gz',
    'OAS30002_MR_d0100/anat3/NIFTI/sub-OAS30002_ses-d0100_FLAIR.nii.gz',
    'OAS30002_MR_d0100/dwi1/NIFTI/sub-OAS30002_ses-d0100_dwi.nii.gz',
    'OAS30002_MR_d0100/dwi1/NIFTI/sub-OAS30002_ses-d0100_T1w.nii.gz',
    'sub-OAS30003/ses-d0001/anat/sub-OAS30003_ses-d0001_angio.nii.gz',
    'sub-OAS30003/ses-d0001/anat/sub-OAS30003_ses-d0001_PDw.nii.gz',
  ])
  const [found] = await discover(root)
  t.equal(found?.dataset, 'oasis3')
  t.same(found?.volumes.map(words), [
    'OAS30002 d0100 flair  OAS30002_MR_d0100/anat3/NIFTI/sub-OAS30002_ses-d0100_FLAIR.nii.gz',
    'OAS30001 d0129 t2star  sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_T2star.nii.gz',
    'OAS30001 d0129 t2  sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_acq-TSE_T2w.nii.gz',
    'OAS30001 d0129 t1  sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz',
    'OAS30003 d0001 pd  sub-OAS30003/ses-d0001/anat/sub-OAS30003_ses-d0001_PDw.nii.gz',
  ])
  t.same(
    found?.skipped.map(({ reason }) => reason),
    Array(5).fill('not-anatomical'),
  )
  const [asked] = await discover(root, { includeMra: true, includeDti: true })
  t.same(
    asked?.volumes.filter(({ contrast }) => ['mra', 'dti'].includes(contrast)).map(words),
    [
      'OAS30002 d0100 dti  OAS30002_MR_d0100/dwi1/NIFTI/sub-OAS30002_ses-d0100_dwi.nii.gz',
      'OAS30003 d0001 mra  sub-OAS30003/ses-d0001/anat/sub-OAS30003_ses-d0001_angio.nii.gz',
    ],
    'by option',
  )
  const swi = tree(t, ['swi/sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_T1w.nii.gz'])
  t.equal((await discover(join(swi, 'swi')))[0]?.volumes.length, 1, "a root's own name says nothing")
})

void t.test('IXI: angiography and diffusion by option', async (t) => {
  const root = tree(t, [
    'IXI-T1/IXI012-HH-1211-T1.nii.gz',
    'IXI-T2/IXI012-HH-1211-T2.nii.gz',
    'IXI-PD/IXI002-Guys-0828-PD.nii.gz',
    'IXI-MRA/IXI002-Guys-0828-MRA.nii.gz',
    'IXI-DTI/IXI002-Guys-0828-DTI-00.nii.gz',
  ])
  const [found] = await discover(root)
  t.same(
    found?.volumes.map(({ subject, session, contrast }) => `${subject} ${session} ${contrast}`),
    ['IXI002 Guys pd', 'IXI012 HH t1', 'IXI012 HH t2'],
  )
  t.same(
    found?.skipped.map(({ reason }) => reason),
    ['not-anatomical', 'not-anatomical'],
  )
  const [all] = await discover(root, { includeMra: true, includeDti: true })
  t.equal(all?.volumes.length, 5)
})

void t.test('BraTS 2021: both ways of naming, masks left out', async (t) => {
  const root = tree(t, [
    ...['flair', 't1', 't1ce', 't2', 'seg'].map((kind) => `BraTS2021_00000/BraTS2021_00000_${kind}.nii.gz`),
    ...['t1c', 't1n', 't2f', 't2w', 'seg'].map((kind) => `new/BraTS-GLI-00005-001-${kind}.nii.gz`),
    'ValidationData/BraTS2021_00001_t1.nii.gz',
  ])
  const [found] = await discover(root)
  t.same(
    found?.volumes.map(({ contrast }) => contrast),
    ['flair', 't1', 't1ce', 't2', 't1ce', 't1', 'flair', 't2'],
  )
  t.equal(found?.volumes[4]?.session, '001')
  t.same(found?.skipped.map(({ reason }) => reason).sort(), ['held-out', 'segmentation', 'segmentation'])
})

void t.test(
  'BraTS 2021: parts by the names of folders below the root, whatever the root is called',
  async (t) => {
    const scan = 'BraTS2021_00001/BraTS2021_00001_t1.nii.gz'
    const partOf = async (root: string): Promise<string | undefined> => {
      const [found] = await discover(root, { parts: ['train', 'val', 'test'] })
      return found?.volumes[0]?.part
    }
    for (const [folder, part] of [
      ['mytest', 'train'],
      ['test', 'train'],
      ['latest-data/more', 'train'],
      ['inner/contest', 'train'],
      ['RSNA_ASNR_MICCAI_BraTS2021_ValidationData', 'val'],
      ['x/ASNR-MICCAI-BraTS2023-GLI-Challenge-ValidationData', 'val'],
      ['x/BraTS2021_TestingData', 'test'],
      ['x/validation', 'val'],
      ['x/Test', 'test'],
      ['x/RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021', 'train'],
    ] as const) {
      const [top = '', ...below] = folder.split('/')
      const root = tree(t, [join(top, ...below, scan)])
      t.equal(await partOf(join(root, top)), part, folder)
    }
  },
)

void t.test('several archives in one folder, and plain folders', async (t) => {
  const mixed = tree(t, ['ixi/IXI012-HH-1211-T1.nii.gz', 'b/BraTS2021_00000_t1.nii.gz', 'other/scan.nii.gz'])
  t.same(
    (await discover(mixed)).map(({ dataset, volumes }) => [dataset, volumes.length]),
    [
      ['ixi', 1],
      ['brats21', 1],
    ],
  )
  t.same(
    (await discover(mixed)).flatMap(({ skipped }) => skipped.map(({ path, reason }) => [path, reason])),
    [['other/scan.nii.gz', 'unrecognised']],
    'what no archive knows is told of',
  )
  const asked = (await discover(mixed, { dataset: 'ixi' })).flatMap(({ skipped }) => skipped)
  t.same(
    asked.map(({ reason }) => reason),
    ['unrecognised', 'unrecognised'],
  )
  const [plain] = await discover(mixed, { dataset: 'folder' })
  t.equal(plain?.volumes.length, 3)

  const names = [
    'p1/T1w.nii.gz',
    'p1/T1w.nii',
    'p1/pair.hdr',
    'p1/pair.img',
    'é/flair.png',
    'slices.npy',
    'x.txt',
    't1_t2.jpg',
  ]
  const [folder] = await discover(tree(t, names))
  t.equal(folder?.dataset, 'folder')
  t.same(
    folder?.volumes.map(({ subject, contrast, format }) => `${subject} ${contrast} ${format}`),
    ['p1 t1 nifti', 'p1 unknown nifti', 'slices unknown npy', 't1_t2 unknown image', 'é flair image'],
  )
  t.same(
    folder?.skipped.map(({ reason }) => reason),
    ['duplicate-format'],
  )
  t.same((await discover(tree(t, ['notes.txt'])))[0]?.volumes, [])
})

void t.test('slices that curation wrote are no archive', async (t) => {
  const root = tree(t, [
    'a/t1.nii',
    'out/slices-00000.npy',
    'other/slices-00000.npy',
    'other/slices-00001.npy',
    'other/curation.json',
    'other/extra.npy',
    'stopped/journal.jsonl.partial',
    'stopped/slices-00000.npy',
    'plain/slices-00000.npy',
  ])
  const out = join(root, 'out')
  const found = async (from: string): Promise<[string[], string[]]> => {
    const all = await discover(from, { out })
    const paths = (files: readonly { path: string }[]): string[] => files.map(({ path }) => path)
    const skipped = all.flatMap((one) => one.skipped.filter(({ reason }) => reason === 'curated'))
    return [paths(all.flatMap(({ volumes }) => volumes)), paths(skipped)]
  }
  t.same(await found(root), [
    ['a/t1.nii', 'other/extra.npy', 'plain/slices-00000.npy'],
    ['other/slices-00000.npy', 'other/slices-00001.npy', 'stopped/slices-00000.npy'],
  ])
  t.same(await found(out), [[], []], 'what is curated into is none, even as the root')
  t.same((await found(join(root, 'other')))[0].length, 3, "another run's slices may be asked for")
})

void t.test('pipes and devices that have a name of a volume are told of', async (t) => {
  const root = tree(t, ['a/t1.nii'])
  execFileSync('mkfifo', [join(root, 'a', 'pipe.nii.gz'), join(root, 'a', 'pipe')])
  symlinkSync('/dev/zero', join(root, 'a', 'zero.nii'))
  const [found] = await discover(root)
  t.equal(found?.volumes.length, 1)
  t.same(
    found?.skipped.map(({ path, reason }) => [path, reason]),
    [
      ['a/pipe.nii.gz', 'no-file'],
      ['a/zero.nii', 'no-file'],
    ],
  )
})

void t.test('links in a circle, folders that may not be read, missing roots', async (t) => {
  const root = tree(t, ['a/IXI012-HH-1211-T1.nii.gz', 'closed/IXI013-HH-1211-T1.nii.gz'])
  symlinkSync(root, join(root, 'a', 'again'))
  symlinkSync(join(root, 'nowhere'), join(root, 'a', 'broken'))
  const [linked] = await discover(root)
  t.equal(linked?.volumes.length, 2)
  t.same(
    linked?.skipped.map(({ path, reason }) => [path, reason]),
    [['a/broken', 'broken-link']],
  )
  if (process.getuid?.() !== 0) {
    chmodSync(join(root, 'closed'), 0)
    const [found] = await discover(root)
    t.same(
      found?.skipped.map(({ path, reason }) => [path, reason]),
      [
        ['closed', 'unreadable-folder'],
        ['a/broken', 'broken-link'],
      ],
    )
    chmodSync(join(root, 'closed'), 0o700)
  }
  const error = await rejection(t, discoverAll([root, join(root, 'missing')]), 'ERR_GYRUS_FILE_NOT_FOUND')
  t.match(error.message, join(root, 'missing'))
  await rejection(t, discover(join(root, 'a', 'IXI012-HH-1211-T1.nii.gz')), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('names that are not UTF-8 are told of, and are no other files', async (t) => {
  const root = tree(t, ['a/Jürgen-t1.nii', 'a/J\ufffdrgen-t1.nii'])
  const inBytes = (path: string): Buffer => latin1Path(root, path)
  writeFileSync(inBytes('a/J\xfcrgen-t1.nii'), '')
  writeFileSync(inBytes('a/J\xfcrgen.txt'), '')
  mkdirSync(inBytes('B\xe9la'))
  writeFileSync(inBytes('B\xe9la/t1.nii'), '')
  symlinkSync(inBytes('B\xe9la'), inBytes('a/B\xe9la'))
  symlinkSync(inBytes('a/J\xfcrgen-t1.nii'), join(root, 'a', 'link-t1.nii'))
  symlinkSync(join(root, 'a', 'J\ufffdrgen-t1.nii'), join(root, 'a', 'other-t1.nii'))
  const [found, ...rest] = await discover(root)
  t.same(rest, [])
  t.same(
    found?.volumes.map(({ path }) => path),
    ['a/Jürgen-t1.nii', 'a/J\ufffdrgen-t1.nii', 'a/link-t1.nii'],
    'a link with another name leads to it; one with the same replacement characters is another',
  )
  t.same(
    found?.skipped.map(({ path, reason }) => [path, reason]),
    [
      ['B\ufffdla', 'name-not-utf8'],
      ['a/B\ufffdla', 'name-not-utf8'],
      ['a/J\ufffdrgen-t1.nii', 'name-not-utf8'],
      ['a/other-t1.nii', 'same-file'],
    ],
    'the text is no volume',
  )
})

void t.test('a file counts once, whichever ways lead to it', async (t) => {
  const root = tree(t, ['ixi/a/IXI012-HH-1211-T1.nii.gz', 'ixi/b/IXI013-HH-1211-T1.nii.gz', 'mgh/scan.mgz'])
  symlinkSync(
    join(root, 'ixi', 'a', 'IXI012-HH-1211-T1.nii.gz'),
    join(root, 'ixi', 'b', 'IXI014-HH-1211-T1.nii.gz'),
  )
  const found = await discoverAll([root, join(root, 'ixi'), root])
  t.same(
    found.map(({ volumes }) => volumes.map(({ path }) => path)),
    [['ixi/a/IXI012-HH-1211-T1.nii.gz', 'ixi/b/IXI013-HH-1211-T1.nii.gz'], [], []],
  )
  t.same(
    found.map(({ skipped }) => skipped.map(({ reason }) => reason)),
    [
      ['same-file', 'unrecognised'],
      ['same-file', 'same-file', 'same-file'],
      ['same-file', 'same-file', 'same-file', 'same-file'],
    ],
    'an .mgz is a volume that is not read',
  )
})
