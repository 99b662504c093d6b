"""Boosters: saved models back in the library's hands."""

import xgboost


def loaded(model: bytes) -> xgboost.Booster:
    """The library's own booster of a saved model."""
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(model))
    return booster
