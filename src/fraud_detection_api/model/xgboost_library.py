"""XGBoost itself as a runtime: where a model cannot be walked by the compiled forest."""

import numpy as np
import xgboost
from numpy.typing import NDArray

from fraud_detection_api.features.matrix import Matrix


class LibraryModel:
    """An XGBoost model behind the same methods as the compiled forest."""

    is_quick = False

    def __init__(self, booster: xgboost.Booster) -> None:
        self._booster = booster

    @classmethod
    def read(cls, model: bytes, threads: int = 1) -> "LibraryModel":
        """The model in the library's own format, JSON or UBJ."""
        if not model:
            raise ValueError("the model file is empty")  # the library would end the process
        booster = xgboost.Booster({"nthread": threads})
        booster.load_model(bytearray(model))
        return cls(booster)

    @property
    def features(self) -> int:
        """How many features the model knows."""
        return self._booster.num_features()

    def saved(self) -> bytes:
        """The model as JSON, whatever it was read from."""
        return bytes(self._booster.save_raw("json"))

    def probabilities(self, matrix: Matrix) -> NDArray[np.float32]:
        """The library's probabilities."""
        return np.asarray(self._booster.inplace_predict(matrix), dtype=np.float32)

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """The library's exact TreeSHAP: what each feature adds to the margin, and last the bias."""
        kinds = self._booster.feature_types
        table = xgboost.DMatrix(matrix, feature_types=kinds, enable_categorical=True, nthread=1)
        return np.asarray(self._booster.predict(table, pred_contribs=True, validate_features=False), dtype=np.float64)
