// `gyrus plan`: time, memory and disk of a pretraining, from twenty steps of it.
import { Command } from 'commander'
import { planPretraining, type PretrainPlan } from '../pretrain/plan.js'
import { withInterrupt } from './interrupt.js'
import { addTrainingFlags, toConfig, type PretrainFlags } from './pretrain.js'
import { printJson, printLine } from './report.js'

export function planCommand(): Command {
  const command = new Command('plan').description('say what a pretraining will take, from 20 steps of it')
  return addTrainingFlags(command).action(async ({ json, ...flags }: PretrainFlags & { json: boolean }) => {
    const config = await toConfig(flags)
    await withInterrupt(async (signal) => {
      const plan = await planPretraining(config, { signal })
      if (json) printJson({ event: 'done', ...plan })
      else for (const line of inWords(plan)) printLine(line)
    })
  })
}

function inWords(plan: PretrainPlan): string[] {
  const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  const { hours } = plan
  const time = hours < 1 ? `${(60 * hours).toFixed(1)} minutes` : `${hours.toFixed(1)} hours`
  return [
    `${plan.slices} slices, ${plan.steps} steps of ${plan.stepsPerEpoch} an epoch, ` +
      `${(plan.parameters / 1e6).toFixed(1)} M parameters`,
    `  time    ${time}: ${plan.secondsPerStep.toFixed(3)} s a step, ${plan.pairsPerSecond.toPrecision(3)} pairs/s on ` +
      `${plan.device} in ${plan.precision} with ${plan.threads} threads, ` +
      `${(100 * plan.waitShare).toFixed(1)} % of it waiting for slices`,
    `  memory  ${gibibytes(plan.memoryBytes)}`,
    `  disk    ${gibibytes(plan.diskBytes)}, ${gibibytes(plan.checkpointBytes)} a checkpoint`,
  ]
}
