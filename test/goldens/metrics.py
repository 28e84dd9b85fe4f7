"""Goldens of lib/metrics by scikit-learn and SciPy: python test/goldens/metrics.py writes metrics.json.

Probabilities are whole numbers over their sum, so that both languages read the same ones."""

import json
from pathlib import Path

import numpy as np
import scipy.stats
import sklearn.metrics

TABLES = [
    {"name": "three classes", "rows": 60, "classes": 3, "top": 20},
    {"name": "two classes with ties", "rows": 41, "classes": 2, "top": 5},
    {"name": "a class that nobody is taken for", "rows": 30, "classes": 4, "top": 30, "shy": 3},
    {"name": "a class that does not occur", "rows": 25, "classes": 4, "top": 9, "absent": 2},
]
PAIRS = [
    [[0.81, 0.79, 0.84, 0.80, 0.83], [0.76, 0.80, 0.78, 0.75, 0.79]],
    [[0.5, 0.6, 0.7, 0.65, 0.9, 0.81, 0.3], [0.52, 0.55, 0.72, 0.6, 0.7, 0.80, 0.1]],
    [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.5, 1.0, 3.75, 2.75, 4.75, 7.5]],
    [[0.9, 0.8], [0.7, 0.75]],
]


def table(spec: dict, rng: np.random.Generator) -> dict:
    rows, classes = spec["rows"], spec["classes"]
    labels = rng.integers(0, classes, rows)
    if "absent" in spec:
        labels[labels == spec["absent"]] = 0
    counts = rng.integers(1, spec["top"], (rows, classes))
    counts[np.arange(rows), labels] += rng.integers(0, spec["top"], rows)
    if "shy" in spec:
        counts[:, spec["shy"]] = 1
    p = counts / counts.sum(1, keepdims=True)
    found = p.argmax(1)
    common = {"average": "macro", "zero_division": 0}
    precision = sklearn.metrics.precision_score(labels, found, **common)
    recall = sklearn.metrics.recall_score(labels, found, **common)
    if set(labels) != set(range(classes)):
        auroc = None
    elif classes == 2:
        auroc = sklearn.metrics.roc_auc_score(labels, p[:, 1])
    else:
        auroc = sklearn.metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro")
    return {
        "name": spec["name"],
        "classes": classes,
        "labels": labels.tolist(),
        "counts": counts.tolist(),
        "confusion": sklearn.metrics.confusion_matrix(labels, found, labels=range(classes)).tolist(),
        "accuracy": sklearn.metrics.accuracy_score(labels, found),
        "macroPrecision": precision,
        "macroRecall": recall,
        "f1": 2 * precision * recall / (precision + recall + 1e-8),
        "macroF1": sklearn.metrics.f1_score(labels, found, **common),
        "auroc": auroc,
        "logLoss": sklearn.metrics.log_loss(labels, p, labels=range(classes)),
        "ece": ece(p, labels),
    }


def ece(p: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    confidence, hit = p.max(1), p.argmax(1) == labels
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in zip(edges, edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    return total


def pair(a: list[float], b: list[float]) -> dict:
    x, y = np.array(a), np.array(b)
    t = scipy.stats.ttest_rel(x, y)
    interval = t.confidence_interval(0.95)
    flips = scipy.stats.permutation_test(
        (x - y,), lambda d: d.sum(), permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    return {
        "a": a,
        "b": b,
        "t": t.pvalue,
        "low": interval.low,
        "high": interval.high,
        "permutation": flips.pvalue,
        "wilcoxon": scipy.stats.wilcoxon(x, y, method="exact").pvalue,
    }


def main() -> None:
    rng = np.random.default_rng(7)
    golden = {
        "made_with": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}",
        "tables": [table(spec, rng) for spec in TABLES],
        "pairs": [pair(a, b) for a, b in PAIRS],
        "student": [[t, v, scipy.stats.t.sf(t, v)] for t in (0.1, 1.0, 2.5, 12.0) for v in (1, 2, 4, 9, 200)],
        "mcnemar": [
            [a, b, scipy.stats.binomtest(min(a, b), a + b).pvalue] for a, b in ((3, 9), (0, 5), (20, 31), (4, 4))
        ],
    }
    path = Path(__file__).parent / "metrics.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
