"""Assign examples to splits: stratified, seeded, and stable as the dataset grows."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer_app.models import Split


@dataclass(frozen=True)
class Item:
    """An example to place: its content hash, and the stratum it belongs to."""

    key: str
    stratum: str


def assign(
    items: Sequence[Item], shares: Mapping[Split, float], seed: int, placed: Mapping[str, Split]
) -> dict[str, Split]:
    """key -> split. Within each stratum every split comes as near to its share as whole examples allow.

    `placed` are the splits of earlier versions: they are kept, so an example that was ever sealed for testing is
    never trained on later. New examples go, in an order drawn from the seed, to the split that lacks most.
    """
    assigned: dict[str, Split] = {}
    strata: dict[str, list[str]] = defaultdict(list)
    for item in items:
        strata[item.stratum].append(item.key)
    overall: Counter[Split] = Counter()
    for stratum in sorted(strata):
        keys = strata[stratum]
        counts = Counter(placed[key] for key in keys if key in placed)
        assigned.update((key, placed[key]) for key in keys if key in placed)
        for key in sorted((key for key in keys if key not in placed), key=lambda key: _draw(seed, key)):
            size = counts.total() + 1
            # Over all strata breaks ties, so that many small strata do not all round the same way.
            chosen = max(
                shares,
                key=lambda split: (
                    round(shares[split] * size - counts[split], 9),
                    shares[split] * (overall.total() + size) - overall[split] - counts[split],
                ),
            )
            counts[chosen] += 1
            assigned[key] = chosen
        overall.update(counts)
    return assigned


def sample(items: Sequence[Item], size: int, seed: int) -> list[Item]:
    """At most `size` items, each stratum in proportion, drawn by the seed."""
    if len(items) <= size:
        return list(items)
    strata: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: _draw(seed, item.key)):
        strata[item.stratum].append(item)
    ranked = [
        ((rank + 0.5) / len(members), stratum, member)
        for stratum, members in strata.items()
        for rank, member in enumerate(members)
    ]
    return [member for _, _, member in sorted(ranked, key=lambda entry: entry[:2])[:size]]


def _draw(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
