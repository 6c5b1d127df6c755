"""How an instruction steers the model: reading habits and cue lines, both read from and written to plain text."""

import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from optimizer_app.engine.offline.text import STOP_WORDS, stem, words


@dataclass(frozen=True)
class Habit:
    """A way of reading that a sentence in the instruction switches on."""

    key: str
    trigger: re.Pattern[str]
    sentence: str


HABITS = (
    Habit("stop", re.compile(r"ignore (?:the )?(?:filler|common|function)", re.I), "Ignore filler words."),
    Habit(
        "stems",
        re.compile(r"forms of (?:the same|a) word|word (?:stems|roots)", re.I),
        "Treat different forms of the same word as one word.",
    ),
    Habit(
        "rare",
        re.compile(r"(?:rare|distinctive|unusual)\b[^.]*\bwords", re.I),
        "Give the most weight to rare, distinctive words.",
    ),
    Habit("chars", re.compile(r"typos|partial words|spelling", re.I), "Tolerate typos and partial words."),
    Habit(
        "phrases",
        re.compile(r"key phrases|pairs of words|word order", re.I),
        "Look at key phrases and word order, not only at single words.",
    ),
    Habit(
        "examples",
        re.compile(r"(?:similar|closest|nearest)\b[^.]*\bexamples?", re.I),
        "Compare the input with the most similar examples.",
    ),
    Habit(
        "names", re.compile(r"names? of (?:the|each|every)", re.I), "Match the input against the name of each option."
    ),
)
CUE_LINE = re.compile(r"^\s*(?:[-*•]\s*)?[`\"'\[]?([^`\"'\]\n:→]{1,80}?)[`\"'\]]?\s*(?::|->|=>|→)\s*(\S.*)$")
WRITTEN_CUE_LINE = re.compile(r"^\s*-\s+([^:\n]{1,80}?):\s*(\S.*)$")
CUE_HEADING = "Words that point to each value"
MAX_CUES = 12

CueTable = dict[str, list[str]]


@dataclass(frozen=True)
class Guidance:
    """What an instruction says. `cues`: normalized label -> words that point to it; `labels`: as written."""

    habits: frozenset[str]
    cues: CueTable
    labels: tuple[str, ...]


def normalized(label: str) -> str:
    """A label with case and punctuation removed, for matching."""
    return re.sub(r"[\W_]+", " ", label.lower()).strip()


@lru_cache(maxsize=4096)
def read(instruction: str) -> Guidance:
    """The habits and cue lines that an instruction holds."""
    cues: CueTable = {}
    labels: list[str] = []
    for line in instruction.splitlines():
        match = CUE_LINE.match(line)
        if not match or len(match[1].split()) > 8:
            continue
        items = [part.strip(" .`\"'") for part in re.split(r"[,;|]", match[2])]
        items = [item for item in items if item and len(item.split()) <= 4]
        items = items or [word for word in words(match[2]) if word not in STOP_WORDS]
        key = normalized(match[1])
        if key not in cues:
            labels.append(match[1].strip())
        known = cues.setdefault(key, [])
        known.extend(item for item in items if item not in known)
    habits = frozenset(habit.key for habit in HABITS if habit.trigger.search(instruction))
    return Guidance(habits, cues, tuple(labels))


@lru_cache(maxsize=20_000)
def _cue_stems(cue: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words(cue))


def cue_scores(guidance: Guidance, options: tuple[str, ...], text_stems: tuple[str, ...]) -> dict[str, float]:
    """Sum of matched cues per option; a cue listed for several options counts for less."""
    by_name = {normalized(option): option for option in options}
    table = {by_name[key]: {_cue_stems(cue) for cue in cues} for key, cues in guidance.cues.items() if key in by_name}
    spread = Counter(cue for cues in table.values() for cue in cues)
    joined = f" {' '.join(text_stems)} "
    return {
        option: sum(
            (1.0 + 0.5 * (len(cue) - 1)) / spread[cue] ** 1.5 for cue in cues if cue and f" {' '.join(cue)} " in joined
        )
        for option, cues in table.items()
    }


def cue_lines(text: str) -> CueTable:
    """The cue lines of a text in the form that `compose` writes."""
    table: CueTable = {}
    for line in text.splitlines():
        if match := WRITTEN_CUE_LINE.match(line):
            known = table.setdefault(match[1].strip(), [])
            found = (word.strip(" .") for word in match[2].split(","))
            known.extend(word for word in found if word and word not in known)
    return table


def merge(*tables: CueTable, keep: int = MAX_CUES) -> CueTable:
    """Union per label; a word claimed by several labels stays with the one that lists it oftest and earliest."""
    votes: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    for table in tables:
        for label, cues in table.items():
            key = normalized(label)
            names.setdefault(key, label)
            for rank, cue in enumerate(cues):
                counts = votes.setdefault(key, {})
                counts[cue] = counts.get(cue, 0.0) + 1 - 0.03 * rank
    strongest: dict[str, float] = {}
    for counts in votes.values():
        for cue, weight in counts.items():
            strongest[cue] = max(strongest.get(cue, 0.0), weight)
    return {
        names[key]: [cue for cue in sorted(counts, key=lambda c: (-counts[c], c)) if counts[cue] >= strongest[cue]][
            :keep
        ]
        for key, counts in votes.items()
    }


def without_guidance(instruction: str) -> str:
    """The instruction less its cue lines and habit sentences, which are written afresh."""
    kept = [
        line
        for line in instruction.splitlines()
        if not WRITTEN_CUE_LINE.match(line) and not line.strip().startswith(CUE_HEADING)
    ]
    text = "\n".join(kept)
    for habit in HABITS:
        text = text.replace(habit.sentence, "")
    return re.sub(r"\n{2,}", "\n", re.sub(r"[ \t]{2,}", " ", text)).strip()


def cue_block(cues: CueTable) -> str:
    """The cue lines as text."""
    return "\n".join(f"- {label}: {', '.join(found)}" for label, found in cues.items() if found)


def compose(base: str, habits: frozenset[str], cues: CueTable) -> str:
    """An instruction: the base sentence, the habits that are on, the cue lines."""
    sentences = " ".join(habit.sentence for habit in HABITS if habit.key in habits)
    block = cue_block(cues)
    parts = [base.rstrip(), sentences, f"{CUE_HEADING}:\n{block}" if block else ""]
    return "\n".join(part for part in parts if part)


def vary_habits(rng: random.Random | None, base: frozenset[str]) -> frozenset[str]:
    """A random neighbour of a set of habits: present ones mostly stay, others join now and then."""
    if rng is None:
        return base | {"stop", "stems"}
    return frozenset(h.key for h in HABITS if rng.random() < (0.85 if h.key in base else 0.45))
