"""Reading the candidates of a run."""

from collections import Counter
from dataclasses import dataclass

from optimizer_app.engine.changes import StepChange, changes
from optimizer_app.engine.spec import ASSEMBLED, TUNED
from optimizer_app.models import Candidate, FollowUp, Run


@dataclass(frozen=True)
class CandidateLine:
    """A candidate on one line. `leads_on`: validation examples on which none scores higher; 0 is off the front."""

    candidate: Candidate
    leads_on: int
    alone: int
    test: FollowUp | None

    @property
    def on_front(self) -> bool:
        """Whether it is on the Pareto front over the validation examples, as GEPA understands it."""
        return self.leads_on > 0


@dataclass(frozen=True)
class CandidatePage:
    """One candidate: what it says, where it came from, how it was tested."""

    candidate: Candidate
    changes: list[StepChange]
    parents: list[Candidate]
    children: list[Candidate]
    tuned: str
    assembled: str
    test: FollowUp | None
    looked_at: int


def candidate_lines(run: Run) -> list[CandidateLine]:
    """All candidates with their place on the front; two queries."""
    rows = list(run.candidates.defer("state"))
    tests = {f.candidate_id: f for f in run.follow_ups.filter(kind=FollowUp.Kind.CANDIDATE)}
    leads, alone = _leads(rows)
    return [CandidateLine(row, leads[row.number], alone[row.number], tests.get(row.pk)) for row in rows]


def candidate_page(candidate: Candidate) -> CandidatePage:
    """One candidate with its relatives."""
    run = candidate.run
    others = list(run.candidates.defer("state", "example_scores"))
    state = candidate.state
    return CandidatePage(
        candidate=candidate,
        changes=changes(run.baseline.state, state),
        parents=[other for other in others if other.number in candidate.parents],
        children=[other for other in others if candidate.number in other.parents],
        tuned=state.get(TUNED, {}).get("model", ""),
        assembled=state.get(ASSEMBLED, {}).get("kind", ""),
        test=candidate.follow_ups.order_by("-id").first(),
        looked_at=looked_at(run),
    )


def looked_at(run: Run) -> int:
    """How many candidates were compared with the baseline on the sealed test split, the winner included."""
    tested = run.follow_ups.filter(kind=FollowUp.Kind.CANDIDATE, status=Run.Status.SUCCEEDED).count()
    return 1 + tested


def _leads(rows: list[Candidate]) -> tuple[Counter[int], Counter[int]]:
    """number -> examples on which it has the highest score, and those on which it alone has it."""
    scored = [row for row in rows if row.example_scores]
    whole = max((len(row.example_scores) for row in scored), default=0)
    scored = [row for row in scored if len(row.example_scores) == whole]
    leads: Counter[int] = Counter()
    alone: Counter[int] = Counter()
    for place in range(whole):
        top = max(row.example_scores[place] for row in scored)
        leaders = [row.number for row in scored if row.example_scores[place] == top and top > 0]
        leads.update(leaders)
        if len(leaders) == 1:
            alone.update(leaders)
    return leads, alone
