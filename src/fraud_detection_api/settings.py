"""Settings: made once, in an entry point, from FRAUD_* variables or a .env file, and handed down as plain values."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fraud_detection_api.schemas.answer_log import AnswerLogMode


class Settings(BaseSettings):
    """Everything that can be set; the defaults serve on a laptop."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_", env_file=".env", extra="ignore", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8000, description="Port to listen on", ge=0, le=65_535)
    workers: int = Field(default=1, description="Processes that serve; each holds its own models", ge=1, le=256)
    models: Path = Field(default=Path("models"), description="Folder of the model registry")
    use_cases: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Use cases of your own: package.module:NAME, separated by commas"
    )
    tracking: str = Field(
        default="",
        description="Where MLflow is told of fits, trials and promotions: http://host:port or sqlite:///file",
    )
    store: str = Field(
        default="sqlite:///store",
        description="The score store: a folder of SQLite files, or the URL of MySQL, MariaDB or PostgreSQL",
        repr=False,  # it may hold a password
    )
    store_projects: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("raizen_gasoline",), description="Projects that scores may be stored in, separated by commas"
    )
    store_pool: int = Field(default=5, description="Connections to the store that one worker holds", ge=1, le=1000)
    store_timeout_seconds: float = Field(
        default=10, description="Longest wait for the store: for a connection, a lock, an answer", gt=0, le=3600
    )
    max_records: int = Field(default=100_000, description="Records that one request may hold", ge=1)
    max_body_bytes: int = Field(default=64_000_000, description="Bytes that one request body may hold", ge=1)
    max_requests_in_flight: int = Field(
        default=256, description="Scoring requests that one worker takes at once; beyond that it answers 429", ge=1
    )
    max_bytes_in_flight: int = Field(
        default=512_000_000,
        description="Bytes of request bodies that one worker holds at once, before it answers 429",
        ge=1,
    )
    deadline_seconds: float = Field(default=30, description="Longest time for one scoring request", gt=0)
    shutdown_seconds: int = Field(default=30, description="Longest time to finish requests after SIGTERM", ge=0)
    reload_seconds: float = Field(
        default=0.5, description="How often a worker looks for a newly promoted model", gt=0, le=60
    )
    keep: Annotated[dict[str, AnswerLogMode], NoDecode] = Field(
        default={},
        description="What is kept of answers: use_case=off|scores|full|full+reasons, separated by commas",
    )
    keep_project: str = Field(default="fraud_answers", description="Project of the store for the answer log")
    keep_readable: bool = Field(
        default=False, description="Whether GET /answers gives back what was kept, to whoever reaches the service"
    )
    spool: Path = Field(default=Path("spool"), description="Folder where answers wait for the store")
    spool_max_bytes: int = Field(default=1_000_000_000, description="Bytes that may wait there", ge=1_000_000)
    pipeline: Path = Field(default=Path("pipeline"), description="Data folder of the orders' pipeline")
    pipeline_port: int = Field(default=8020, description="Port of the pipeline service", ge=0, le=65_535)
    pipeline_steps: str = Field(
        default="fraud_detection_api.pipeline.known:STEPS",
        description="The steps of the pipeline: package.module:NAME",
        pattern=r"^[\w.]+:\w+$",
    )
    pipeline_parts: int = Field(
        default=2, description="Parts of a step that are done at once, in threads or on a local cluster", ge=1, le=256
    )
    raw_orders: Path = Field(
        default=Path("raw_orders"), description="Folder of the folders of raw orders that POST /pipeline/submit takes"
    )
    journal: str = Field(
        default="",
        description="The journal of runs: the URL of MySQL, MariaDB or PostgreSQL, else SQLite in the data folder",
        repr=False,  # it may hold a password
    )
    journal_project: str = Field(default="fraud_pipeline", description="Project of that database for the journal")
    dask: str = Field(
        default="none", description="Where parts are done: none, local, or a scheduler at tcp://host:port or tls://"
    )
    dask_tls_ca: str = Field(default="", description="File of the authority that a tls:// scheduler is proved by")
    dask_tls_cert: str = Field(default="", description="File of our certificate for it")
    dask_tls_key: str = Field(default="", description="File of the key of that certificate")
    histories: str = Field(
        default="memory",
        description="Where histories live: memory, for one worker, or redis://host:port, or rediss:// for TLS",
        repr=False,  # it may hold a password
    )
    histories_secret: Path = Field(
        default=Path("histories.secret"),
        description="File of the secret that people are hashed with in histories; made where there is none",
    )
    histories_prefix: str = Field(default="fraud", description="What the names of keys in Redis begin with")
    histories_ttl_days: float = Field(
        default=400, description="Days until a key is forgotten that no record came to", gt=0, le=36_500
    )
    histories_away: Literal["refuse", "degrade"] = Field(
        default="refuse",
        description="While Redis is away: answer 503, or score as if nothing were known and say so",
    )
    histories_timeout_seconds: float = Field(default=1, description="Longest wait for Redis", gt=0, le=60)
    find: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Use cases whose latest records are kept as they were sent, and listed at /<use case>/find",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severity that is logged"
    )
    log_json: bool = Field(default=False, description="Log lines as JSON, for machines")
    log_requests: Literal["all", "failures"] = Field(
        default="failures", description="Which requests get a log line; every line costs time"
    )

    @field_validator("use_cases", "store_projects", "find", mode="before")
    @classmethod
    def split_at_commas(cls, value: object) -> object:
        """FRAUD_USE_CASES=one.module:ONE,another:TWO."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("keep", mode="before")
    @classmethod
    def split_at_equals_signs(cls, value: object) -> object:
        """FRAUD_KEEP=credit_accounts=full,card_transactions=scores."""
        if not isinstance(value, str):
            return value
        parts = [part.partition("=") for part in value.split(",") if part.strip()]
        return {name.strip(): mode.strip() for name, _, mode in parts}
