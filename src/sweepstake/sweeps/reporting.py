"""Reporting: the report of a closed sweep, and the decision that is drawn into it later.

A report is made after its sweep is closed, beside the round of its finalist, which does not wait
for it. Whichever of both is last, the decision stands in the report: the round draws it in before
it ends, and a report that was not there yet looks for the round after it is stored.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sweepstake.domain.ranking import leaderboard
from sweepstake.errors import PermanentError, TransientError, printable
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.report_run import ReportRun
from sweepstake.reports import decision, page, report
from sweepstake.reports.material import Material
from sweepstake.storage.disk import disk_faults
from sweepstake.storage.scratch import scratch
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.cancellation import reason_of
from sweepstake.sweeps.out_of_fold import ask_best
from sweepstake.sweeps.plan import Plan
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.refining import refined
from sweepstake.sweeps.search_state import told_of_search
from sweepstake.sweeps.settlement import judged_before, stand

if TYPE_CHECKING:
    from sweepstake.domain.trial import Curve, Standing
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.reports.decision import Decided
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep

log = logging.getLogger(__name__)

LARGEST = 30_000_000
"""Bytes of a report that a decision is drawn into; one of 10,000 trials has about 11 million."""
FOLDED = 10
"""Best trials whose folds are shown."""
CURVED = 5
"""Best trials whose curves are shown."""
CURVES = ("loss_curve", "validation_scores", "validation_score", "train_score", "staged_accuracy")


@disk_faults()
def write(sweep_id: str, settings: Settings) -> None:
    """Make the report of a closed sweep and store it with its parent run.

    Made again it is the same, but for what was decided meanwhile.

    Raises:
        NotFoundError: the sweep was never planned.
        TrackingUnavailableError: MLflow does not answer; call again.
    """
    planned = open_planned(sweep_id, settings)
    standings = leaderboard(stand(planned), planned.spec.metric)
    material, seconds = _gathered(planned, standings, settings)
    run = _run_of(planned.plan, planned.registry)
    told = _decided(planned, standings)
    with scratch() as folder:
        report.write(material, folder, told)
        run.add(folder)
    if seconds:
        run.note({"out_of_fold_seconds": seconds})
    meanwhile = _decided(planned, standings)
    if meanwhile != told:
        _draw_in(run, meanwhile)


def tell_decision(entry: LedgerEntry, settings: Settings) -> None:
    """Draw what a round came to into the report of its sweep, if that is there already.

    Nothing that is wrong with the report keeps a round from its end.

    Raises:
        TrackingUnavailableError: MLflow does not answer; call again.
    """
    if not (entry.sweep and entry.record):
        return
    try:
        plan = Plan.load(Workspace(settings.workspace), entry.sweep)
        _draw_in(_run_of(plan, Registry(settings.tracking_uri)), decision.decided(entry))
    except TransientError:
        raise
    except Exception:
        log.exception("%s: the decision could not be drawn into its report", printable(entry.sweep))


def _draw_in(run: ReportRun, told: Decided) -> None:
    content = run.read(report.PAGE, LARGEST)
    if content is None:
        return
    text = decision.drawn_in(content.decode("utf-8"), page.fragment(told))
    with scratch() as folder:
        (folder / report.PAGE).write_text(text, encoding="utf-8")
        report.write_decision(told, folder)
        run.add(folder)


def _decided(planned: PlannedSweep, standings: tuple[Standing, ...]) -> Decided:
    """What is known about the champion: the sweep's own round, or why there is none."""
    sweep = planned.plan.sweep
    for entry in planned.registry.history(planned.spec.model):
        if entry.sweep == sweep and entry.record:
            return decision.decided(entry)
    reason = reason_of(planned.workspace, sweep) or judged_before(planned, standings)
    return decision.undecided(planned.spec.model, reason)


def _gathered(
    planned: PlannedSweep, standings: tuple[Standing, ...], settings: Settings
) -> tuple[Material, float]:
    """The material, and the seconds that the best trial was fitted again."""
    plan = planned.plan
    ranked = Material(
        sweep=plan.sweep,
        model=plan.model,
        metric=plan.spec.metric,
        cv=plan.spec.folding.fits,
        data=plan.spec.data.filled_source,
        standings=standings,
    )
    asked = ask_best(planned, ranked.best)
    try:
        grid = refined(planned, standings, settings)
        text, file, unrefined = grid.text, grid.file, ""
    except PermanentError as error:
        text, file, unrefined = "", "", str(error)
    material = Material(
        sweep=ranked.sweep,
        model=ranked.model,
        metric=ranked.metric,
        cv=ranked.cv,
        data=ranked.data,
        standings=standings,
        warnings=plan.warnings,
        folds={s.number: _folds(planned, s) for s in ranked.ranked[:FOLDED]},
        curves=tuple(each for s in ranked.ranked[:CURVED] for each in _curves(planned, s)),
        answers=asked.pair,
        metrics=plan.spec.metrics,
        unanswered=asked.reason,
        next_grid=text,
        next_file=file,
        unrefined=unrefined,
        search=told_of_search(planned, standings),
    )
    return material, asked.seconds


def _folds(planned: PlannedSweep, standing: Standing) -> tuple[float, ...]:
    return planned.tracking.curve(standing.run_id, f"cv_{planned.spec.metric}").values


def _curves(planned: PlannedSweep, standing: Standing) -> tuple[tuple[int, Curve], ...]:
    names = [name for name in CURVES if name in standing.metrics]
    curve = planned.tracking.curve
    return tuple((standing.number, curve(standing.run_id, name)) for name in names)


def _run_of(plan: Plan, registry: Registry) -> ReportRun:
    return ReportRun(registry.client, plan.parent_run_id)
