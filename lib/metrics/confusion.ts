// Who was taken for whom, and the scores that follow from it. Conventions are scikit-learn's with zero_division = 0: a
// class that nobody was taken for has a precision of 0, one that nobody belongs to a recall of 0.

/** Cell [truth][found]: how many. */
export type Confusion = readonly (readonly number[])[]

export interface ClassScores {
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** How many belong to it. */
  readonly support: number
}

export interface Scores {
  readonly accuracy: number
  readonly macroPrecision: number
  readonly macroRecall: number
  /** The paper's F1: the harmonic mean of macro precision and macro recall (with 1e-8 below the line). */
  readonly f1: number
  /** The mean of the classes' F1: scikit-learn's `f1_score(average='macro')`. */
  readonly macroF1: number
}

const paperEps = 1e-8

/** The class of each row of logits or probabilities [n, classes]; of equals the first. */
export function predictedClasses(rows: Float32Array | Float64Array, classes: number): Int32Array {
  const predicted = new Int32Array(rows.length / classes)
  for (let row = 0; row < predicted.length; row += 1) {
    let best = 0
    for (let k = 1; k < classes; k += 1) {
      if ((rows[row * classes + k] ?? 0) > (rows[row * classes + best] ?? 0)) best = k
    }
    predicted[row] = best
  }
  return predicted
}

export function confusionMatrix(labels: Int32Array, predicted: Int32Array, classes: number): Confusion {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  labels.forEach((label, at) => {
    const [row, found] = [matrix[label], predicted[at]]
    if (row === undefined || found === undefined || row[found] === undefined)
      throw new RangeError(`label ${label} or its prediction is not among ${classes} classes`)
    row[found] += 1
  })
  return matrix
}

export function classScores(matrix: Confusion): ClassScores[] {
  return matrix.map((row, own) => {
    const hits = row[own] ?? 0
    const support = sum(row)
    const found = sum(matrix.map((other) => other[own] ?? 0))
    return {
      precision: ratio(hits, found),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, found + support),
      support,
    }
  })
}

/**
 * Macro means run over the classes that occur among the labels or the predictions, as scikit-learn's do: a class that
 * is in neither is left out.
 */
export function scoresOf(matrix: Confusion): Scores {
  const total = sum(matrix.map(sum))
  const occurring = classScores(matrix).filter(
    ({ support }, own) => support > 0 || matrix.some((row) => (row[own] ?? 0) > 0),
  )
  const mean = (pick: (scores: ClassScores) => number): number =>
    ratio(sum(occurring.map(pick)), occurring.length)
  const macroPrecision = mean(({ precision }) => precision)
  const macroRecall = mean(({ recall }) => recall)
  return {
    accuracy: ratio(sum(matrix.map((row, own) => row[own] ?? 0)), total),
    macroPrecision,
    macroRecall,
    f1: (2 * macroPrecision * macroRecall) / (macroPrecision + macroRecall + paperEps),
    macroF1: mean(({ f1 }) => f1),
  }
}

/** The mean recall of the classes that the labels hold: scikit-learn's `balanced_accuracy_score`. */
export function balancedAccuracy(matrix: Confusion): number {
  const held = classScores(matrix).filter(({ support }) => support > 0)
  return ratio(sum(held.map(({ recall }) => recall)), held.length)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function ratio(above: number, below: number): number {
  return below === 0 ? 0 : above / below
}
