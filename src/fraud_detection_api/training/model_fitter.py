"""The model fitter for schedulers: read, split, train, prove, judge, publish.

    python -m fraud_detection_api.training.model_fitter --start_date 20240101 --end_date 20251231 --data FILE

Exit codes: 0 the model is champion, 2 the data or the options are refused, 3 the gate failed and the champion stays.
"""

from fraud_detection_api.cli.model_fitter import run

if __name__ == "__main__":
    run()
