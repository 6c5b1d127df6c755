"""What journeys need: installations, a browser. Absent services skip with the reason; CI fails on any skip."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis
from amqp import ChannelError
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from playwright.sync_api import Browser, Page

from tests.data import DATA
from tests.journeys.cluster import Cluster, postgresql_programs
from tests.journeys.installation import Installation

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database and collected files, which is most of the work of a first start."""
    made = Installation(tmp_path_factory.mktemp("migrated"))
    made.command("migrate", "-v0")
    collect = "from optimizer_app.management.static_files import static_collect; static_collect()"
    made.command("shell", "-v0", "-c", collect)
    return made.folder / "data"


@pytest.fixture
def install(tmp_path: Path, migrated: Path) -> Iterator[Callable[..., Installation]]:
    """A function that starts an installation, `anew` with nothing prepared; all are stopped at the end."""
    started: list[Installation] = []

    def start(anew: bool = False, **options: object) -> Installation:
        installation = Installation(tmp_path / f"i{len(started)}", **options)  # type: ignore[arg-type]
        started.append(installation)
        if not anew and not {"DATABASE_URL", "UPLIFT_DATA_DIR"} & set(installation.environment):
            shutil.copytree(migrated, installation.folder / "data")
        return installation.start()

    yield start
    for installation in started:
        installation.stop()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A fresh PostgreSQL database."""
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"PostgreSQL is not there ({POSTGRES}): {error}")
    name = f"uplift_{uuid.uuid4().hex[:10]}"
    admin.execute(f"CREATE DATABASE {name}")
    yield POSTGRES.rpartition("/")[0] + "/" + name
    admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """An empty Redis database."""
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=3)
    try:
        client.flushdb()
    except redis.ConnectionError as error:
        pytest.skip(f"Redis is not there ({REDIS}): {error}")
    yield REDIS
    client.flushdb()


@pytest.fixture
def sign_in(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens a signed-in page. The journey fails if any page logs an error to its console."""
    complaints: list[str] = []
    contexts = []

    def open_page(installation: Installation, **options: object) -> Page:
        context = browser.new_context(viewport={"width": 1360, "height": 900}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda m: complaints.append(f"{page.url}: {m.text}") if m.type == "error" else None)
        page.goto(installation.url)
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(installation.password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{installation.url}/")
        complaints.clear()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture(scope="session")
def banking77() -> Path:
    """The training file of banking77 (CC BY 4.0), where the data is present."""
    path = DATA / "banking77" / "train.csv"
    if not path.exists():
        pytest.skip(f"banking77 is not there ({path}).")
    return path


@pytest.fixture
def rabbitmq_url() -> str:
    """A RabbitMQ virtual host of its own would need its management plugin; the queue is emptied instead."""
    connection = Connection(RABBITMQ, connect_timeout=3)
    try:
        connection.ensure_connection(max_retries=1)
    except (OSError, OperationalError) as error:
        pytest.skip(f"RabbitMQ is not there ({RABBITMQ}): {error}")
    with suppress(ChannelError):
        connection.default_channel.queue_purge("celery")
    connection.release()
    return RABBITMQ


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    try:
        return postgresql_programs()
    except LookupError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def cluster(tmp_path: Path, programs: Path) -> Iterator[Cluster]:
    """A PostgreSQL server of the test's own, which it may kill."""
    made = Cluster(programs, tmp_path / "pg")
    made.create()
    yield made
    made.kill()
