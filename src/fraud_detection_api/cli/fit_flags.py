"""How the options look of every command that reads a labelled table and trains on it."""

from typer import Option

from fraud_detection_api.cli.command import Flags
from fraud_detection_api.training.trainers import TRAINABLE

DAYS = ["%Y%m%d", "%Y-%m-%d"]
THRESHOLDS = "f1, at:0.5, fpr:1%, budget:100/day or cost:MISSED,FALSE_ALARM"
KINDS = f"{', '.join(TRAINABLE)}, or package.module:function for one of your own"

TABLE: Flags = {
    "data": Option(help="CSV or Parquet file, folder or glob, or a SQLAlchemy URL; without it, a sample table"),
    "table": Option(help="Table of the database"),
    "query": Option(help="Query of the database, instead of a table"),
    "start_date": Option(formats=DAYS, help="First day, included"),
    "end_date": Option(formats=DAYS, help="Last day, included"),
    "use_cases": Option(envvar="FRAUD_USE_CASES", help="Use cases of your own: package.module:NAME,..."),
    "rounds": Option(min=1, help="Most boosting rounds [300]"),
    "depth": Option(min=1, max=16, help="Depth of the trees [5]"),
    "learning_rate": Option(min=1e-4, max=1, help="Weight of each tree [0.1]"),
    "patience": Option(min=0, help="Rounds without gain until training stops; 0 trains every round [30]"),
    "seed": Option(min=0, max=2**31 - 1),
    "threads": Option(min=0, help="0 uses every core"),
    "device": Option(help="cpu, or cuda where the full xgboost is installed"),
    "review_budget": Option(help="What people can review: a share (5%), or a number a day (100/day)"),
    "skip_bad_rows": Option(help="Leave out rows that break the record's bounds or rules"),
    "allow_absent": Option(help="Train even if an optional field has no column, or no value in any row"),
}
MODELS = Option("--models", "--model_path_to_save", envvar="FRAUD_MODELS", help="Folder of the registry [models]")
GAP_DAYS = Option(min=0, help="Days to leave out after the training rows, for late labels [30]")
TUNED = Option(help="Use the settings that the last `fraud tune` of this use case found")
TRACKING: Flags = {
    "track": Option(
        "--track/--no-track", help="Log it to MLflow; without an address, in a file in the registry's folder"
    ),
    "tracking": Option(envvar="FRAUD_TRACKING", help="Where MLflow is: http://host:port or sqlite:///file"),
}

FIT: Flags = {
    **TABLE,
    **TRACKING,
    "models": MODELS,
    "gap_days": GAP_DAYS,
    "tuned": TUNED,
    "model": Option(help=f"Kind of model: {KINDS}; or `compare` for the best [what the use case names]"),
    "grid": Option(help="Search the forest's grid on the stopping rows"),
    "contamination": Option(
        help="Without a label: the share of the training records to flag [what the use case names]"
    ),
    "n_estimators": Option(help="Without a label: how many trees [what the use case names]"),
    "random_state": Option(min=0, max=2**32 - 1, help="Without a label: the forest's seed"),
    "threshold": Option(
        help=f"How to choose the threshold: {THRESHOLDS} [as the champion's was, else by the declared costs, else f1]"
    ),
    "force": Option(metavar="REASON", help="Promote even if the gate fails; the reason is kept in the manifest"),
}
COMPARE: Flags = {
    **TABLE,
    "models": Option(help=f"Which to compare: {KINDS}"),
    "grid": Option(help="Search the forest's grid inside the training rows of each fold"),
    "folds": Option(min=2, max=20, help="Folds, in time order where there is a time column"),
    "gap_days": GAP_DAYS,
    "plot": Option(help="Draw the comparison into this SVG file"),
    "json": Option(help="Write every figure into this file, too"),
}
TUNE: Flags = {
    **TABLE,
    **TRACKING,
    "trials": Option(min=1, help="Trials of the study in total, including those of earlier runs"),
    "minutes": Option(min=0, help="Minutes after which this run stops; a trial in progress does not count"),
    "aim": Option(help="The measure to tune for: average_precision, roc_auc, brier, log_loss, cost, ..."),
    "folds": Option(min=2, max=20, help="Folds, in time order where there is a time column"),
    "models": MODELS,
    "gap_days": GAP_DAYS,
}
EVALUATE: Flags = {
    **TABLE,
    "folds": Option(min=1, help="How many windows to train and test on, one after the other"),
    "train_days": Option(min=2, help="Days to train on"),
    "delay_days": Option(min=0, help="Days to leave out, because their labels would not have arrived yet"),
    "test_days": Option(min=1, help="Days to test on"),
    "leave_known_out": Option(help="Leave out rows whose entity is known to be compromised on that day"),
    "tuned": TUNED,
    "models": MODELS,
    "threshold": Option(
        help=f"How to choose the threshold inside each window: {THRESHOLDS} [by the declared costs, else f1]"
    ),
    "json": Option(help="Write every figure into this file, too"),
}
