"""The two kinds of score: what a score is called and means, said once for all that answers, writes or words it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class ScoreField:
    """A field of an answer, a column of a file of scores: what it holds."""

    dtype: np.dtype[np.floating]
    schema: FieldInfo


@dataclass(frozen=True, eq=False)
class ScoreKind:
    """What follows from what a model learned, whichever use case it is of."""

    fields: Mapping[str, ScoreField]  # the first is the score; the others stand beside it
    pushed: str  # what the sentence of a reason says that a value raises or lowers
    learned: str  # "it learned with labels"
    declared: str  # "the use case has a label"
    gives: str  # to each record; `{label}` is the use case's
    first: str  # what people look at first
    unsaid: str  # what a gate that was passed does not say

    @property
    def name(self) -> str:
        """What a score of this kind is called."""
        return next(iter(self.fields))


FRAUD = ScoreKind(
    fields={"fraud_probability": ScoreField(np.dtype(np.float32), Field(ge=0, le=1, examples=[0.0745]))},
    pushed="risk",
    learned="with labels",
    declared="a label",
    gives="a probability of fraud ({label})",
    first="riskiest",
    unsaid="",
)
ANOMALY = ScoreKind(
    fields={
        "anomaly_percentile": ScoreField(
            np.dtype(np.float32),
            Field(ge=0, le=1, examples=[0.9312], description="Share of the training records that are less unusual"),
        ),
        "anomaly_score": ScoreField(
            np.dtype(np.float64), Field(lt=0, examples=[-0.4631], description="The model's own: lower is more unusual")
        ),
    },
    pushed="anomaly",
    learned="without labels",
    declared="no label",
    gives="a score of how unusual it is",
    first="most unusual",
    unsaid=" Without labels, none of them says how many frauds it finds.",
)
SCORE_FIELDS = (*FRAUD.fields, *ANOMALY.fields)
