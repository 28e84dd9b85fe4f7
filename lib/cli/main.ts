#!/usr/bin/env node
// The command line: `gyrus <command>`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { compareCommand } from './compare.js'
import { curateCommand } from './curate.js'
import { demoCommand } from './demo.js'
import { doctorCommand } from './doctor.js'
import { embedCommand } from './embed.js'
import { exportCommand } from './export.js'
import { evaluateCommand } from './evaluate.js'
import { finetuneCommand } from './finetune.js'
import { planCommand } from './plan.js'
import { pretrainCommand } from './pretrain.js'
import { exitCode, reportError } from './report.js'

function version(): string {
  const file = new URL('../../../package.json', import.meta.url) // from dist/lib/cli/
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}

/** The whole program, without side effects on the process but output and exitCode. */
async function main(args: readonly string[]): Promise<void> {
  const program = new Command('gyrus')
    .description('Self-supervised pretraining for brain MRI')
    .version(version())
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(--help tells the options)')
  for (const command of [
    curateCommand(),
    pretrainCommand(),
    planCommand(),
    embedCommand(),
    exportCommand(),
    finetuneCommand(),
    evaluateCommand(),
    compareCommand(),
    demoCommand(),
    doctorCommand(),
  ])
    program.addCommand(command.copyInheritedSettings(program))
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCode.done : exitCode.usage
      return
    }
    process.exitCode = reportError(error, args.includes('--json'))
  }
}

await main(process.argv.slice(2))
