#!/usr/bin/env node
// The command line: `gyrus <command>`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { packageRoot } from '../package-root.js'
import { exitCode, reportError } from './report.js'

/** In the order of --help. What a command needs is loaded when it is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  curate: async () => (await import('./curate.js')).curateCommand(),
  pretrain: async () => (await import('./pretrain.js')).pretrainCommand(),
  plan: async () => (await import('./plan.js')).planCommand(),
  embed: async () => (await import('./embed.js')).embedCommand(),
  export: async () => (await import('./export.js')).exportCommand(),
  finetune: async () => (await import('./finetune.js')).finetuneCommand(),
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand(),
  compare: async () => (await import('./compare.js')).compareCommand(),
  demo: async () => (await import('./demo.js')).demoCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
}

function version(): string {
  const file = new URL('package.json', packageRoot)
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
  const named = Object.hasOwn(commands, args[0] ?? '') ? commands[args[0] ?? ''] : undefined
  // Whoever asks for help or mistypes a name is told of all.
  for (const load of named === undefined ? Object.values(commands) : [named])
    program.addCommand((await load()).copyInheritedSettings(program))
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
