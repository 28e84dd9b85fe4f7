// Which test images to show: those of which a classifier is surest, right and wrong, class by class in turn.
import type { OpenedSet } from '../../../labelled/open.js'
import { predictedClasses } from '../../../metrics/confusion.js'
import { softmax } from '../../../metrics/probabilities.js'
import type { Example } from './parts.js'

export function chooseExamples(
  { set, split }: OpenedSet,
  logits: Float32Array,
  count: number,
): { right: Example[]; wrong: Example[] } {
  const classes = set.classes.length
  const probabilities = softmax(logits, classes)
  const predicted = predictedClasses(logits, classes)
  const all = split.test.map((place, at) => {
    const found = predicted[at] ?? 0
    return { place, found, confidence: probabilities[at * classes + found] ?? 0 }
  })
  const isRight = ({ place, found }: Example): boolean => set.labels[place] === found
  const pick = (from: readonly Example[]): Example[] => {
    const byClass = set.classes.map((_, label) =>
      from.filter(({ place }) => set.labels[place] === label).sort((a, b) => b.confidence - a.confidence),
    )
    const turns = Array.from({ length: count }, (_, turn) =>
      byClass.flatMap((own) => own.slice(turn, turn + 1)),
    )
    return turns.flat().slice(0, count)
  }
  return { right: pick(all.filter(isRight)), wrong: pick(all.filter((one) => !isRight(one))) }
}
