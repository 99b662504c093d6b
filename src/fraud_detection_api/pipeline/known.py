"""The steps of the pipeline, in their order."""

from fraud_detection_api.pipeline.step import Step
from fraud_detection_api.pipeline.steps import features, load_histories, make_sample, partition, train, training_data

STEPS: tuple[Step, ...] = (
    make_sample.STEP,
    partition.STEP,
    features.STEP,
    training_data.STEP,
    train.STEP,
    load_histories.STEP,
)
