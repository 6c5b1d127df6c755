"""The three-way split: stratified, seeded, stable."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.models import Split
from optimizer_app.services.splitting import Item, assign, sample

SHARES = {Split.TRAIN: 0.5, Split.VALIDATION: 0.2, Split.TEST: 0.3}
items = st.lists(
    st.builds(Item, st.text(min_size=1, max_size=8), st.sampled_from("abc")),
    unique_by=lambda item: item.key,
    max_size=80,
)


@given(items, st.integers(0, 99))
def test_every_split_of_every_stratum_is_within_one_example_of_its_share(found: list[Item], seed: int) -> None:
    assigned = assign(found, SHARES, seed, {})

    for stratum in "abc":
        keys = [item.key for item in found if item.stratum == stratum]
        counts = Counter(assigned[key] for key in keys)
        for split, share in SHARES.items():
            assert abs(counts[split] - share * len(keys)) <= 1


@given(items, st.integers(0, 99), st.randoms())
def test_order_of_arrival_does_not_matter(found: list[Item], seed: int, draw: object) -> None:
    assert assign(found, SHARES, seed, {}) == assign(list(reversed(found)), SHARES, seed, {})


@given(items, items, st.integers(0, 99))
def test_growing_data_never_moves_an_example(first: list[Item], more: list[Item], seed: int) -> None:
    before = assign(first, SHARES, seed, {})
    known = {item.key for item in first}

    after = assign(first + [item for item in more if item.key not in known], SHARES, seed + 1, before)

    assert {key: after[key] for key in before} == before


def test_another_seed_draws_another_split() -> None:
    found = [Item(str(number), "a") for number in range(60)]

    assert assign(found, SHARES, 1, {}) != assign(found, SHARES, 2, {})


@given(items, st.integers(1, 40), st.integers(0, 9))
def test_sample_keeps_the_proportions(found: list[Item], size: int, seed: int) -> None:
    drawn = sample(found, size, seed)

    assert len(drawn) == min(size, len(found))
    for stratum in "abc":
        share = sum(item.stratum == stratum for item in found) / max(1, len(found))
        assert abs(sum(item.stratum == stratum for item in drawn) - share * len(drawn)) <= 1.5
