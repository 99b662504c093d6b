"""Which executor does the parts: threads of this process, or Dask, which is imported only where it is wanted."""

from fraud_detection_api.pipeline.executor import IN_PROCESS, ExecutingOptions, Executor
from fraud_detection_api.pipeline.thread_executor import ThreadExecutor


def executor_of(options: ExecutingOptions) -> Executor:
    """The executor that the settings name."""
    if options.dask == IN_PROCESS:
        return ThreadExecutor(options.at_once)
    from fraud_detection_api.pipeline.dask_executor import DaskExecutor

    return DaskExecutor(options)
