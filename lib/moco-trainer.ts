// MocoTrainer: MoCo v3 pretraining.
import { ContrastiveTrainer } from './contrastive-trainer.js'
import type { CallOptions } from './options/encoder.js'
import { parseOptions } from './options/parse.js'
import { mocoOptions, type MocoTrainerOptions } from './options/trainer.js'

/** A base encoder, its momentum copy and a predictor (Chen, Xie and He 2021). */
export class MocoTrainer extends ContrastiveTrainer {
  static async create(options: MocoTrainerOptions, call: CallOptions = {}): Promise<MocoTrainer> {
    const given = parseOptions(mocoOptions, 'MocoTrainer.create', options)
    return new MocoTrainer(await this.open(MocoTrainer.create, 'mocov3', given, call))
  }
}
