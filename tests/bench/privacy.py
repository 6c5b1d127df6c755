"""How well personal data is found: precision and recall on the labelled cases, by kind, beside libraries.

    python -m tests.bench.privacy [PYTHON]

PYTHON is an interpreter that has presidio-analyzer, scrubadub and datafog; without it only Uplift is measured. A mark
counts as found when a span covers at least 80 % of it, whatever the kind; a span that touches no mark is a false alarm.
Names are left out of the libraries' rows where they need a model that cannot be downloaded.
"""

import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

CASES = Path(__file__).resolve().parents[1] / "optimizer_app" / "privacy" / "cases.txt"
COVERED = 0.8
_MARK = re.compile(r"«(\w+)\|([^»]*)»")
Place = tuple[int, int, str]

LIBRARIES = """
import json, sys, warnings, logging
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
name, texts = sys.argv[1], json.load(sys.stdin)
if name == "presidio":
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    class Blank(SpacyNlpEngine):
        def __init__(self):
            super().__init__(models=[{"lang_code": "en", "model_name": "en"}])
            self.nlp = {"en": spacy.blank("en")}
        def load(self): pass
    registry = RecognizerRegistry(); registry.load_predefined_recognizers(languages=["en"])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    keep = {"DATE_TIME", "NRP", "LOCATION", "ORGANIZATION"}
    find = lambda t: [(r.start, r.end) for r in engine.analyze(t, language="en") if r.entity_type not in keep]
elif name == "scrubadub":
    import scrubadub
    s = scrubadub.Scrubber()
    find = lambda t: [(f.beg, f.end) for f in s.iter_filth(t)]
else:
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator
    a = RegexAnnotator()
    def find(t):
        out = []
        for kind, values in a.annotate(t).items():
            if kind in ("DOB", "ZIP", "DATE"): continue
            for v in values:
                i = t.find(v)
                if i >= 0 and v: out.append((i, i + len(v)))
        return out
find(texts[0])
import time
t0 = time.perf_counter()
found = [find(t) for t in texts]
json.dump({"found": found, "seconds": time.perf_counter() - t0}, sys.stdout)
"""


def cases() -> Iterator[tuple[str, list[Place]]]:
    """Each text with its marks: (start, end, kind)."""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        text, marks, at = "", [], 0
        for match in _MARK.finditer(line):
            text += line[at : match.start()]
            marks.append((len(text), len(text) + len(match[2]), match[1]))
            text += match[2]
            at = match.end()
        yield (text + line[at:]).replace("⏎", "\n"), marks


def score(found: Iterable[list[tuple[int, int]]]) -> dict[str, tuple[int, int, int]]:
    """kind -> (found, marks, false alarms); false alarms are counted under “all” only."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for (_, marks), spans in zip(cases(), found, strict=True):
        for start, end, kind in marks:
            covered = len({i for s, e in spans for i in range(max(s, start), min(e, end))})
            for name in (kind, "all", *(() if kind == "name" else ("without names",))):
                counts[name][0] += covered >= COVERED * (end - start)
                counts[name][1] += 1
        alarms = sum(all(e <= start or s >= end for start, end, _ in marks) for s, e in spans)
        counts["all"][2] += alarms
    return {name: (hit, total, alarms) for name, (hit, total, alarms) in counts.items()}


def ours() -> tuple[list[list[tuple[int, int]]], float]:
    from optimizer_app.privacy.detection import find

    texts = [text for text, _ in cases()]
    for text in texts:
        find(text)  # tables of numbering plans are loaded at first use
    started = time.perf_counter()
    found = [[(span.start, span.end) for span in find(text)] for text in texts]
    return found, time.perf_counter() - started


def theirs(python: str, name: str) -> tuple[list[list[tuple[int, int]]], float]:
    texts = json.dumps([text for text, _ in cases()])
    done = subprocess.run([python, "-c", LIBRARIES, name], input=texts, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    return [[tuple(place) for place in places] for places in answer["found"]], answer["seconds"]


def main() -> None:
    contestants: dict[str, Callable[[], tuple[list[list[tuple[int, int]]], float]]] = {"Uplift": ours}
    if len(sys.argv) > 1:
        for name in ("presidio", "scrubadub", "datafog"):
            contestants[name] = lambda name=name: theirs(sys.argv[1], name)  # type: ignore[misc]
    texts = [text for text, _ in cases()]
    kilobytes = sum(len(text.encode()) for text in texts) / 1000
    print(f"{len(texts)} cases, {sum(not marks for _, marks in cases())} of them without anything to find\n")  # noqa: T201
    print("| | recall | without names | precision | ms per kB | " + " | ".join(KINDS) + " |")  # noqa: T201
    print("|---" * (5 + len(KINDS)) + "|")  # noqa: T201
    for name, run in contestants.items():
        found, seconds = run()
        counts = score(found)
        hit, total, alarms = counts["all"]
        plain, of = counts["without names"][:2]
        cells = [
            f"{hit / total:.0%}",
            f"{plain / of:.0%}",
            f"{hit / (hit + alarms):.0%}",
            f"{seconds * 1000 / kilobytes:.2f}",
        ]
        cells += [f"{counts[kind][0]}/{counts[kind][1]}" for kind in KINDS]
        print(f"| {name} | " + " | ".join(cells) + " |")  # noqa: T201


KINDS = ("email", "phone", "card", "iban", "national_id", "ip", "url", "secret", "name")

if __name__ == "__main__":
    main()
