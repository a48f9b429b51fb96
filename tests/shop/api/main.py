"""The API of a made-up shop, for the tests of the contract checks. Nothing runs it."""

import os

import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException

DATABASE_URL = os.environ["DATABASE_URL"]
SHOP_SECRET = os.environ["SHOP_SECRET"]
GREETING = os.getenv("GREETING", "Hello")

app = FastAPI()
goods = APIRouter(prefix="/api")


def reachable(url: str) -> bool:
    return bool(url)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/ready")
def ready() -> dict[str, str]:
    if not reachable(DATABASE_URL):
        raise HTTPException(503)
    return {"status": "ready"}


@goods.get("/goods/{number}")
def good(number: int) -> dict[str, int]:
    return {"number": number}


app.include_router(goods)

if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", "8000")))
