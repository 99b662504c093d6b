"""Boosters: saved models back in the library's hands."""

import xgboost


def loaded(model: bytes, threads: int = 1) -> xgboost.Booster:
    """The library's own booster of a saved model."""
    booster = xgboost.Booster({"nthread": threads})
    booster.load_model(bytearray(model))
    return booster
