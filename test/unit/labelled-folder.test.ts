// Folders of classes: which files, which classes, which parts; and what is refused, with what to do about it.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { findClassFolder } from '../../lib/labelled/class-folder.js'
import { rejection } from '../support/rejection.js'

/** Only names matter here: nothing is decoded. */
function touch(root: string, ...files: readonly string[]): string {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return root
}

async function refused(t: Test, ...files: readonly string[]): Promise<string> {
  const root = touch(t.testdir(), ...files)
  const error = await rejection(t, findClassFolder(root), 'ERR_GYRUS_FILE_FORMAT')
  t.ok(error.message.startsWith(root), error.message)
  return error.message
}

void t.test('Training and Testing', async (t) => {
  const root = touch(
    t.testdir(),
    'Training/glioma/a.jpg',
    'Training/glioma/deeper/b.JPEG',
    'Training/no_tumor/a.png',
    'Testing/glioma/a.jpg',
    'Testing/no_tumor/.hidden.png',
    'Testing/no_tumor/z.PNG',
  )
  const { form, classes, images, warnings, unreadable } = await findClassFolder(root)
  t.same([form, classes, warnings, unreadable], ['class-folder', ['glioma', 'no_tumor'], [], []])
  t.same(images, [
    { path: 'Testing/glioma/a.jpg', label: 'glioma', part: 'test', patient: '' },
    { path: 'Testing/no_tumor/z.PNG', label: 'no_tumor', part: 'test', patient: '' },
    { path: 'Training/glioma/a.jpg', label: 'glioma', part: 'train', patient: '' },
    { path: 'Training/glioma/deeper/b.JPEG', label: 'glioma', part: 'train', patient: '' },
    { path: 'Training/no_tumor/a.png', label: 'no_tumor', part: 'train', patient: '' },
  ])
})

void t.test('train, val and test; and no parts at all', async (t) => {
  const parts = ['train', 'Validation', 'TEST'].flatMap((part) => [`${part}/a/1.jpg`, `${part}/b/1.jpg`])
  const found = await findClassFolder(touch(t.testdir(), ...parts))
  t.same(
    found.images.map(({ part }) => part),
    ['test', 'test', 'val', 'val', 'train', 'train'],
  )
  const flat = await findClassFolder(touch(t.testdir(), 'yes/1.jpg', 'no/1.jpg', 'yes/2.jpg'))
  t.same(flat.classes, ['no', 'yes'])
  t.same(
    flat.images.map(({ label, part }) => label + part),
    ['no', 'yes', 'yes'],
  )
})

void t.test(
  'sixteen classes, with blanks in their names, numbered as torchvision numbers them',
  async (t) => {
    const names = Array.from({ length: 16 }, (_, at) => `Tumour ${at} T1C+`)
    const files = names.flatMap((name) => [`train/${name}/1.png`, `val/${name}/1.png`])
    const { classes } = await findClassFolder(touch(t.testdir(), ...files))
    t.same(classes, [...names].sort())
    t.equal(classes[2], 'Tumour 10 T1C+', 'sorted as text')
  },
)

void t.test('foreign files are told of', async (t) => {
  const own = ['a/1.jpg', 'b/1.jpg']
  const one = await findClassFolder(touch(t.testdir(), ...own, 'README.md'))
  t.same(one.warnings, ['README.md is no JPEG or PNG image in a class folder and is left out'])
  const more = await findClassFolder(touch(t.testdir(), ...own, 'a/Thumbs.db', 'loose.jpg', 'b/x.gif'))
  t.equal(more.images.length, 2)
  t.match(more.warnings[0], /^3 files are no JPEG or PNG images .*, a\/Thumbs\.db first$/)
})

void t.test('what is refused', async (t) => {
  t.match(
    await refused(t, 'train/a/1.jpg', 'train/b/1.jpg', 'test/a/1.jpg'),
    /'b' is not in all of test, train/,
  )
  t.match(await refused(t, 'a/1.jpg', 'b/notes.txt'), /no JPEG or PNG image is in b: fill the folder/)
  t.match(
    await refused(t, 'train/a/1.jpg', 'train/b/1.jpg', 'val/a/1.jpg', 'val/b/x.txt'),
    /no JPEG or PNG image is in val\/b/,
  )
  t.match(await refused(t, 'a/1.jpg'), /it has 1 class folders \(a\), and two are needed/)
  t.match(await refused(t, 'set/a/1.jpg', 'set/b/1.jpg'), /\(is .*\/set meant\?\)/)
  t.match(await refused(t, 'train/a/1.jpg', 'train/b/1.jpg', 'other/c/1.jpg'), /beside train it has other/)
  t.match(await refused(t, 'train/1.jpg', 'test/1.jpg'), /it has 0 class folders/)
  await rejection(t, findClassFolder(join(t.testdir(), 'none')), 'ERR_GYRUS_FILE_NOT_FOUND')
})

void t.test('links', async (t) => {
  const root = touch(t.testdir(), 'set/a/1.jpg', 'set/b/1.jpg', 'elsewhere/1.jpg', 'elsewhere/2.jpg')
  symlinkSync(join(root, 'elsewhere'), join(root, 'set', 'c'))
  symlinkSync(join(root, 'elsewhere', '1.jpg'), join(root, 'set', 'link.jpg'))
  symlinkSync(join(root, 'gone'), join(root, 'set', 'broken'))
  const { classes, images } = await findClassFolder(join(root, 'set'))
  t.same(classes, ['a', 'b', 'c'], 'a linked folder is a class, a linked file and a broken link are none')
  t.equal(images.length, 4)
})

void t.test(
  'a folder that may not be read',
  { skip: process.getuid?.() === 0 && 'root reads all' },
  async (t) => {
    const root = touch(t.testdir(), 'a/1.jpg', 'b/1.jpg', 'c/1.jpg')
    chmodSync(join(root, 'b'), 0)
    t.teardown(() => {
      chmodSync(join(root, 'b'), 0o700)
      rmSync(root, { recursive: true })
    })
    const error = await rejection(t, findClassFolder(root), 'ERR_GYRUS_FILE_IO')
    t.match(error.message, /b cannot be read: check its permissions/)
  },
)
