"""Fine-tuned models: taken in from a run's folder, laid out again where a worker needs them."""

import io
import tarfile
import tempfile
from pathlib import Path

from django.conf import settings

from optimizer_app.common.keyring import seal, unseal
from optimizer_app.models import Artifact

CONTEXT = b"artifact"


def artifacts_folder() -> Path:
    """Where fine-tuned models of versions lie unpacked; whatever is missing is unpacked from the database."""
    folder = Path(settings.DATA_DIR) / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def artifact_store(name: str, folder: Path) -> Artifact:
    """Keep a folder, which is named by the hash of its content, encrypted in the database."""
    if existing := Artifact.objects.filter(name=name).first():
        return existing
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.add(path, arcname=path.relative_to(folder).as_posix(), recursive=False)
    raw = packed.getvalue()
    return Artifact.objects.create(name=name, body=seal(raw, CONTEXT).encode(), size=len(raw))


def artifact_unpack(artifact: Artifact, into: Path) -> None:
    """Lay the model out as `into`/<name>; nothing happens if it is there."""
    target = into / artifact.name
    if target.exists():
        return
    raw = unseal(bytes(artifact.body).decode(), CONTEXT)
    with tempfile.TemporaryDirectory(dir=into) as unpacked:
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            archive.extractall(unpacked, filter="data")
        try:
            Path(unpacked).rename(target)
        except OSError:
            if not target.exists():  # else another process was quicker
                raise
        else:
            Path(unpacked).mkdir()  # for the context manager to remove
