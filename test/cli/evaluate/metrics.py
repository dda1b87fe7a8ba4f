"""Writes metrics.json beside this file: generated labels and predictions, and what scikit-learn and the benchmarks' known procedures make of them.

    pip install scikit-learn==1.9.1 && python3 test/cli/evaluate/metrics.py
"""
import json
import pathlib

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, mean_absolute_error, precision_recall_curve
from sklearn.model_selection import KFold

rng = np.random.default_rng(20240319)
out = {}

# F1 a class and their mean; class 5 is nowhere.
truth = rng.choice([0, 1, 2, 3, 4, 6], size=1500)
given = np.where(rng.random(1500) < 0.7, truth, rng.choice([0, 1, 2, 3, 4, 6], size=1500))
f1 = f1_score(truth, given, labels=list(range(7)), average=None, zero_division=0)
out["f1"] = dict(truth=truth.tolist(), given=given.tolist(), classes=7, scores=f1.tolist(), accuracy=accuracy_score(truth, given),
                 macro=f1_score(truth, given, labels=list(range(7)), average="macro", zero_division=0),
                 confusion=confusion_matrix(truth, given, labels=list(range(7))).ravel().tolist())

# 300-W: mean point-to-point error over the distance of the outer eye corners, and the area under the curve of cumulative errors.
shapes = np.round(rng.normal(100, 30, size=(12, 68, 2)), 2)
found = np.round(shapes + rng.normal(0, 3, size=shapes.shape), 2)
nme = np.mean(np.linalg.norm(found - shapes, axis=2), axis=1) / np.linalg.norm(shapes[:, 36] - shapes[:, 45], axis=1)
most = 0.1
edges = np.sort(np.unique(np.concatenate([[0.0], nme[nme <= most], [most]])))
curve = [np.mean(nme <= x) for x in edges]
area = sum((b - a) * c for a, b, c in zip(edges[:-1], edges[1:], curve[:-1])) / most
out["nme"] = dict(truth=shapes.tolist(), given=found.tolist(), errors=nme.tolist(), mean=float(nme.mean()), most=most, area=float(area),
                  failures=float(np.mean(nme > most)))

# Head pose and age: mean absolute errors.
a, b = rng.uniform(-90, 90, size=(200, 3)), rng.uniform(-90, 90, size=(200, 3))
out["mae"] = dict(truth=a.tolist(), given=b.tolist(), each=[mean_absolute_error(a[:, i], b[:, i]) for i in range(3)], mean=mean_absolute_error(a, b))

# Recall at 80 % precision: many equal scores among them.
visible = rng.random(1500) < 0.25
scores = np.round(np.where(visible, rng.normal(0.62, 0.2, 1500), rng.normal(0.35, 0.2, 1500)), 2)
precision, recall, _ = precision_recall_curve(visible, scores)
out["recall"] = dict(truth=visible.tolist(), scores=scores.tolist(), recall=float(recall[precision >= 0.8].max()),
                     recall95=float(recall[precision >= 0.95].max()))

# Verification by ten folds, as FaceNet's and InsightFace's scripts do it.
pairs = 607
first = rng.normal(size=(pairs, 6))
same = rng.random(pairs) < 0.5
second = np.where(same[:, None], first + rng.normal(0, 1.0, size=first.shape), rng.normal(size=first.shape))
first /= np.linalg.norm(first, axis=1, keepdims=True)
second /= np.linalg.norm(second, axis=1, keepdims=True)
dist = np.sum(np.square(first - second), axis=1)
thresholds = np.arange(0, 4, 0.01)


def accuracy(threshold, index):
    return accuracy_score(same[index], dist[index] < threshold)


folds = []
for train, test in KFold(n_splits=10, shuffle=False).split(np.arange(pairs)):
    best = thresholds[np.argmax([accuracy(t, train) for t in thresholds])]
    folds.append(accuracy(best, test))
out["verification"] = dict(first=first.tolist(), second=second.tolist(), same=same.tolist(), mean=float(np.mean(folds)), deviation=float(np.std(folds)))



(pathlib.Path(__file__).parent / "fixtures").mkdir(exist_ok=True)
(pathlib.Path(__file__).parent / "fixtures" / "metrics.json").write_text(json.dumps(out) + "\n")
