"""How to fit: how to boost, by default, by options or as tuned, and what `fraud train` hands to every trainer."""

import os
from dataclasses import asdict, dataclass, field

Parameters = dict[str, str | int | float]


@dataclass(frozen=True, kw_only=True)
class Boosting:
    """The shape and the pace of boosted trees; the defaults hold back more than the library's, since frauds are few."""

    rounds: int = 300  # at most
    depth: int = 5
    learning_rate: float = 0.1
    patience: int = 30  # rounds without a better log loss until training stops; 0 trains every round
    min_child_weight: float = 1.0
    subsample: float = 1.0  # of the rows that each tree sees
    colsample_bytree: float = 1.0  # of the features that each tree sees
    reg_lambda: float = 5.0
    reg_alpha: float = 0.0
    gamma: float = 0.0  # for another split
    max_cat_to_onehot: int = 4  # features with fewer categories than this are split one category against the rest
    max_cat_threshold: int = 64  # categories on one side of any other split of a category
    seed: int = 0

    @property
    def parameters(self) -> Parameters:
        """As the library names them; the rounds and the patience are no parameters of a booster."""
        named = {name: value for name, value in asdict(self).items() if name not in ("rounds", "depth", "patience")}
        return {"objective": "binary:logistic", "tree_method": "hist", "max_depth": self.depth, **named}


def cores(wanted: int) -> int:
    """How many threads to take: as many as are asked for, of 0 one for each core that the process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted or allowed


@dataclass(frozen=True)
class FitSettings:
    """How models are fitted, whatever their kind: a trainer takes what concerns its own."""

    boosting: Boosting = field(default_factory=Boosting)
    seed: int = 0
    threads: int = 0  # 0 takes every core
    device: str = "cpu"
    searches_grid: bool = False

    @property
    def cores(self) -> int:
        """How many threads a fit may take."""
        return cores(self.threads)
