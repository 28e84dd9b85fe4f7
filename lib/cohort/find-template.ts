// A T1 volume of a real head that is on this machine already: where neuroimaging tools and Debian put theirs.
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** `root`: a folder that stands for /. */
export interface SearchOptions {
  readonly environment?: Environment
  readonly root?: string
}

const packaged = 'nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz'
const fetched = 'icbm152_2009/mni_icbm152_nlin_sym_09a/mni_icbm152_t1_tal_nlin_sym_09a.nii.gz'
const standard = 'data/standard/MNI152_T1_1mm.nii.gz'

/** The first that is there, whole heads before those without a skull; undefined: none. */
export async function findTemplate(options: SearchOptions = {}): Promise<string | undefined> {
  for (const path of await candidates(options)) {
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    )
    if (isFile) return path
  }
  return undefined
}

async function candidates({ environment = process.env, root = '/' }: SearchOptions): Promise<string[]> {
  const given = (name: string): string[] => {
    const value = environment[name]
    return value === undefined || value === '' ? [] : [value]
  }
  const at = (path: string): string => join(root, path)
  const fsl = [...given('FSLDIR'), at('usr/local/fsl'), at('usr/share/fsl'), at('usr/share/fsl/5.0')]
  const nilearn = [
    ...given('NILEARN_DATA'),
    ...given('NILEARN_SHARED_DATA'),
    join(environment['HOME'] ?? homedir(), 'nilearn_data'),
  ]
  const pythons = [...given('VIRTUAL_ENV'), ...given('CONDA_PREFIX'), at('usr/local'), at('usr')]
  const packages = await Promise.all(pythons.map(sitePackages))
  return [
    at('usr/share/mricron/templates/ch2.nii.gz'),
    ...fsl.map((folder) => join(folder, standard)),
    ...nilearn.map((folder) => join(folder, fetched)),
    ...packages.flat().map((folder) => join(folder, packaged)),
  ]
}

/** Where a Python below the folder keeps its packages, newer versions first. */
async function sitePackages(prefix: string): Promise<string[]> {
  const library = join(prefix, 'lib')
  const names = await readdir(library).catch(() => [])
  const minor = (name: string): number => Number(name.slice('python3.'.length))
  return names
    .filter((name) => /^python3\.\d+$/.test(name))
    .sort((a, b) => minor(b) - minor(a))
    .flatMap((name) => [join(library, name, 'site-packages'), join(library, name, 'dist-packages')])
    .concat(join(library, 'python3', 'dist-packages'))
}
