"""How inputs changed: words that calls have now and had not before, and words that the training data never had."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from analytics.compute.causes import LEAST, Cause
from analytics.compute.intervals import share_difference

WORD = re.compile(r"[^\W\d_]{4,}")
Words = frozenset[str]


def words_of(texts: Iterable[str]) -> Words:
    """The words of four letters and more, in small letters."""
    return frozenset(word for text in texts for word in WORD.findall(text.lower()))


def word_changes(before: Sequence[Words], since: Sequence[Words], known: Collection[str]) -> list[Cause]:
    """Words whose share of the calls changed, each with its own p-value, not corrected yet; and the share of calls with
    a word that the training data (`known`) lacks, where there is any."""
    if not before or not since:
        return []
    first, second = (Counter(word for words in side for word in words) for side in (before, since))
    often = [word for word in first | second if max(first[word], second[word]) >= LEAST]
    counts = {("word", word): (first[word], second[word]) for word in often}
    if known:
        vocabulary = frozenset(known)
        strange = tuple(sum(not words <= vocabulary for words in side) for side in (before, since))
        counts["inputs", "with words that the training data lacks"] = (strange[0], strange[1])
    found = []
    for (kind, name), (a, b) in counts.items():
        moved = share_difference((a, len(before)), (b, len(since)))
        if moved is not None and moved.p is not None:
            found.append(Cause(kind, name, a / len(before), b / len(since), share=True, p=moved.p))
    return found
