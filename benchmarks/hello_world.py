"""The yardstick above: the least that FastAPI can do with a body."""

from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/fraud_detection")
async def hello(request: Request) -> dict[str, int]:
    """Read the body and say how long it was."""
    return {"bytes": len(await request.body())}


@app.get("/ready")
async def ready() -> dict[str, str]:
    """Up as soon as the server listens."""
    return {"message": "Hello World"}
