"""What training leaves behind: a folder named by the hash of its content."""

import shutil
from hashlib import sha256
from pathlib import Path

LARGEST = 100 * 1024 * 1024


class TooLargeError(ValueError):
    """A trained model that a version may not hold."""


def keep(folder: Path, artifacts: Path) -> str:
    """Move a folder of files under its content hash and return the hash. Raises TooLargeError above 100 MB."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in files)
    if size > LARGEST:
        raise TooLargeError(
            f"The trained model has {size / 1e6:,.0f} MB; a version holds at most {LARGEST / 1e6:,.0f} MB. "
            "Train with LoRA, whose adapter is small, or take a smaller model."
        )
    digest = sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    name = digest.hexdigest()
    target = artifacts / name
    if target.exists():
        shutil.rmtree(folder)
    else:
        folder.rename(target)
    return name
