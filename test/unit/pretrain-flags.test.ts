// Flags of `gyrus pretrain` and `gyrus plan` over a configuration file and the preset.
import { join } from 'node:path'
import t from 'tap'
import { toConfig, type PretrainFlags } from '../../lib/cli/pretrain.js'
import { resolveConfig } from '../../lib/pretrain/config.js'

const folder = t.testdir({ 'sgd.yaml': 'optimizer: { name: sgd, momentum: 0.8 }\n' })
const optimizerOf = async (flags: PretrainFlags): Promise<object> =>
  resolveConfig(await toConfig({ data: 'data', out: 'run', ...flags })).optimizer

void t.test('a weight decay counts, whoever names the optimizer', async (t) => {
  const weightDecay = 0.03
  t.match(await optimizerOf({ weightDecay }), { name: 'lars_solo', weightDecay }, "the default preset's")
  t.match(await optimizerOf({ weightDecay, preset: 'cpu-resnet18' }), { name: 'adamw', weightDecay })
  t.match(await optimizerOf({ weightDecay, arch: 'mocov3_vit_small' }), { name: 'adamw', weightDecay })
  t.match(await optimizerOf({ weightDecay, optimizer: 'sgd' }), { name: 'sgd', weightDecay, momentum: 0.9 })
  const config = join(folder, 'sgd.yaml')
  t.match(await optimizerOf({ weightDecay, config }), { name: 'sgd', weightDecay, momentum: 0.8 })
  t.match(await optimizerOf({ config }), { name: 'sgd', weightDecay: 0, momentum: 0.8 })
})
