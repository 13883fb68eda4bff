"""Makes the model: the average flower of each species. Put your own training here.

The flowers are from R. A. Fisher's iris data (1936): lengths and widths of sepal and petal, in cm.
"""

import json
from pathlib import Path

FLOWERS = {
    "setosa": [[5.1, 3.5, 1.4, 0.2], [4.9, 3.0, 1.4, 0.2], [4.7, 3.2, 1.3, 0.2]],
    "versicolor": [[7.0, 3.2, 4.7, 1.4], [6.4, 3.2, 4.5, 1.5], [6.9, 3.1, 4.9, 1.5]],
    "virginica": [[6.3, 3.3, 6.0, 2.5], [5.8, 2.7, 5.1, 1.9], [7.1, 3.0, 5.9, 2.1]],
}

model = {
    species: [round(sum(column) / len(column), 3) for column in zip(*rows)]
    for species, rows in FLOWERS.items()
}
folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
(folder / "model.json").write_text(json.dumps(model, indent=2), encoding="utf-8")
