"""Assign examples to splits: stratified, seeded, and stable as the dataset grows."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer_app.models import Split


@dataclass(frozen=True)
class Item:
    """An example to place: its content hash, the stratum it belongs to, and its group; empty means alone."""

    key: str
    stratum: str
    group: str = ""


def assign(
    items: Sequence[Item], shares: Mapping[Split, float], seed: int, placed: Mapping[str, Split]
) -> dict[str, Split]:
    """key -> split. Within each stratum every split comes as near to its share as whole groups allow.

    `placed` are the splits of earlier versions: they are kept, so an example that was ever sealed for testing is
    never trained on later, and what joins its group follows it. New groups go, in an order drawn from the seed, to the
    split that lacks most.
    """
    assigned = {item.key: placed[item.key] for item in items if item.key in placed}
    strata: dict[str, list[list[Item]]] = defaultdict(list)
    for group in _groups(items):
        strata[Counter(item.stratum for item in group).most_common(1)[0][0]].append(group)
    overall: Counter[Split] = Counter()
    for stratum in sorted(strata):
        counts: Counter[Split] = Counter()
        fresh = []
        for group in strata[stratum]:
            there = Counter(placed[item.key] for item in group if item.key in placed)
            new = [item.key for item in group if item.key not in placed]
            counts.update(there)
            if there and new:  # a group that older versions split follows its sealed part
                follow = Split.TEST if there[Split.TEST] else there.most_common(1)[0][0]
                assigned.update(dict.fromkeys(new, follow))
                counts[follow] += len(new)
            elif new:
                fresh.append(new)
        for keys in sorted(fresh, key=lambda keys: _draw(seed, keys[0])):
            chosen = _lacking(shares, counts, overall, len(keys))
            counts[chosen] += len(keys)
            assigned.update(dict.fromkeys(keys, chosen))
        overall.update(counts)
    return assigned


def _groups(items: Sequence[Item]) -> list[list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.group or f"alone {item.key}"].append(item)
    return [sorted(group, key=lambda item: item.key) for group in groups.values()]


def _lacking(shares: Mapping[Split, float], counts: Counter[Split], overall: Counter[Split], adding: int) -> Split:
    size = counts.total() + adding
    # Over all strata breaks ties, so that many small strata do not all round the same way.
    return max(
        shares,
        key=lambda split: (
            round(shares[split] * size - counts[split], 9),
            shares[split] * (overall.total() + size) - overall[split] - counts[split],
        ),
    )


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
