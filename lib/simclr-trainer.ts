// SimclrTrainer: SimCLR pretraining.
import { ContrastiveTrainer } from './contrastive-trainer.js'
import type { CallOptions } from './options/encoder.js'
import { parseOptions } from './options/parse.js'
import { simclrOptions, type SimclrTrainerOptions } from './options/trainer.js'

/** One encoder, and every image against all others of the batch (Chen et al. 2020). Steps ignore `momentum`. */
export class SimclrTrainer extends ContrastiveTrainer {
  static async create(options: SimclrTrainerOptions, call: CallOptions = {}): Promise<SimclrTrainer> {
    const given = parseOptions(simclrOptions, 'SimclrTrainer.create', options)
    return new SimclrTrainer(await this.open(SimclrTrainer.create, 'simclr', given, call))
  }
}
