"""A kind of model: all that is said of it, in one record. Each kind is one file here, and one entry in `known.py`."""

from collections.abc import Callable
from dataclasses import dataclass

from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.runtimes import AnomalyRuntime, Runtime


@dataclass(frozen=True, kw_only=True)
class ModelKind:
    """How models of this kind are kept, proved, served, explained and called; training reads who trains them."""

    name: str  # as manifests and `--model` say it; of a team's own kind, its import string
    words: str  # as people call it
    load: Callable[[Bundle], Runtime | AnomalyRuntime]  # refused unless it gives the scores of the reference rows
    model_file: str = "model.json"
    served_as: str = ""  # where that is not clear from its words
    explained_in: str = ""  # the unit of what each feature adds; "" where nobody knows what they add
    no_reasons: str = ""  # why a model of this kind may have none, and the way out
    scores_anomalies: bool = False  # instead of giving probabilities
    trainer: str = ""  # import string: its name and FitSettings in, a Trainer out; "" where `--model` cannot ask for it
    boosts: bool = False  # whether its trainer listens to the boosting options
