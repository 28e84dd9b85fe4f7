// `gyrus doctor`: what this machine offers.
import { Command } from 'commander'
import { doctor } from '../doctor.js'
import type { DoctorReport } from '../native.js'
import { printJson, printLine } from './report.js'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine offers: CPU features, threads, libraries')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => {
      const report = await doctor()
      if (json) printJson(report)
      else for (const line of toLines(report)) printLine(line)
    })
}

/** NCCL is looked for, but no trainer uses more than one GPU. */
function noteOn(library: string): string {
  return library.startsWith('libnccl.') ? ' (not used yet)' : ''
}

function toLines(report: DoctorReport): string[] {
  const { onednn } = report
  return [
    `CPU           ${report.cpu}`,
    `features      ${report.cpuFeatures.join(' ')}`,
    `threads       ${report.threads} of ${report.logicalCpus} logical CPUs`,
    `bf16          ${report.hasBf16 ? 'in hardware' : "not in hardware: precision 'auto' takes f32"}`,
    `SIMD kernels  ${report.simdTargets.join(' ')}`,
    `oneDNN        ${onednn.version}, ${onednn.isa}, ${onednn.threading}, ${onednn.path}`,
    `CUDA          ${report.isCudaCompiled ? report.gpu : 'not in this build'}`,
    ...report.cudaLibraries.map(
      ({ name, path, problem, searched }) =>
        `              ${name}${noteOn(name)}: ${path ?? `${problem ?? 'not found'}; searched ${searched.join(', ')}`}`,
    ),
  ]
}
