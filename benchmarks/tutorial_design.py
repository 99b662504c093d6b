"""The yardstick below: the scoring service that FastAPI's tutorial leads to, kept as plain as the tutorial."""

import os

import pandas as pd
import xgboost as xgb
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
booster = xgb.Booster(model_file=os.environ["MODEL_FILE"])


class CreditAccount(BaseModel):
    """One record of the request."""

    customer_id: int
    number_of_open_accounts: int
    total_credit_limit: float
    total_balance: float
    number_of_accounts_in_arrears: int


class Score(BaseModel):
    """One record of the answer."""

    customer_id: int
    fraud_probability: float


@app.post("/fraud_detection", response_model=list[Score])
def fraud_detection(accounts: list[CreditAccount]) -> list[Score]:
    """The accounts' fraud probabilities, in the same order."""
    table = pd.DataFrame([account.model_dump() for account in accounts])
    probabilities = booster.predict(xgb.DMatrix(table.drop(columns="customer_id")))
    return [
        Score(customer_id=account.customer_id, fraud_probability=probability)
        for account, probability in zip(accounts, probabilities.tolist(), strict=True)
    ]


@app.get("/ready")
def ready() -> dict[str, str]:
    """Up as soon as the server listens."""
    return {"message": "Hello World"}
