"""The command line about days: backfills, and who was champion when."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweepstake.cli import bars, console, servers, tables
from sweepstake.errors import NotFoundError, SweepFailedError
from sweepstake.intake.daily_files import PREFIX
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from sweepstake.airflow_client.backfill_api import BackfillRequest
    from sweepstake.airflow_client.backfilling import Day
    from sweepstake.champions.past_days import DayChampion
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.settings import Settings

Json = servers.Json
RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")
FORMATS = ["%Y-%m-%d"]

Partition = Annotated[
    datetime | None,
    typer.Option(formats=FORMATS, help="The day, of data by day. Default: the newest."),
]
AsOf = Annotated[datetime | None, typer.Option(formats=FORMATS, help="At the end of a past day.")]
Over = Annotated[str, typer.Option(help="Of each day, as 2026-01-01..2026-01-31.")]
FigureFile = Annotated[Path | None, typer.Option(help="Where --over draws its PNG.")]


class Reprocess(StrEnum):
    """Which days that have a run already are run again."""

    NONE = "none"
    FAILED = "failed"
    COMPLETED = "completed"


def day_of(partition: datetime | None) -> date | None:
    """A day as Typer reads it, as a date."""
    return partition.date() if partition else None


def tell_dag(spec: SweepSpec, settings: Settings) -> None:
    """Where the days of a file that was submitted are run, and what starts them."""
    dag = PREFIX + spec.name
    page = f"{settings.airflow_url}/dags/{dag}"
    if spec.schedule:
        console.tell(f"{dag} runs its days: {page}")
    else:
        console.tell(f"{dag} runs the days that are asked for, as the file has no schedule: {page}")
        console.say(f"Ask: sweepstake backfill {spec.name} --from 2026-01-01 --to 2026-01-07")


def backfill(  # noqa: PLR0913 - each is an option
    sweep: Annotated[str, typer.Argument(help="The name of a sweep whose data are by day.")],
    *,
    first: Annotated[datetime, typer.Option("--from", formats=FORMATS, help="The first day.")],
    last: Annotated[datetime, typer.Option("--to", formats=FORMATS, help="The last day.")],
    parallel: Annotated[int, typer.Option(min=1, help="Days in work at the same time.")] = 4,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the days, run none.")] = False,
    reprocess: Annotated[
        Reprocess, typer.Option(help="Which days that have a run already are run again.")
    ] = Reprocess.NONE,
    as_json: Json = False,
) -> None:
    """Run a sweep on each day of a range, through Airflow's backfill, and follow it."""
    from sweepstake.airflow_client.backfill_api import BackfillRequest

    if last < first:
        message = "must not be before --from."
        raise typer.BadParameter(message, param_hint="--to")
    request = BackfillRequest(PREFIX + sweep, first.date(), last.date(), parallel, str(reprocess))
    settings = load_settings()
    if dry_run:
        _tell_days(request, settings, as_json=as_json)
    else:
        _backfill(request, settings, as_json=as_json)


def _tell_days(request: BackfillRequest, settings: Settings, *, as_json: bool) -> None:
    from sweepstake.airflow_client.backfilling import plan_days

    days = plan_days(request, settings)
    if as_json:
        console.print_json({"dag": request.dag_id, "days": days})
    else:
        console.tell("\n".join((*days, f"{request.dag_id}: {len(days)} days would run")))


def _backfill(request: BackfillRequest, settings: Settings, *, as_json: bool) -> None:
    from sweepstake.airflow_client.backfilling import backfill

    try:
        with bars.DayBars(request.dag_id) as shown:
            days = backfill(request, settings, shown.show, console.say)
    except KeyboardInterrupt:
        console.say("Airflow goes on with the backfill. The same command follows it again.")
        raise
    if as_json:
        console.print_json({"dag": request.dag_id, "days": console.records(days)})
    else:
        console.out.print(tables.days_table(request.dag_id, days))
        _tell_champions(request, days, settings)
    _check_days(request, days, settings)


def _tell_champions(request: BackfillRequest, days: tuple[Day, ...], settings: Settings) -> None:
    """Wait until the days are judged and show who was champion on them."""
    from sweepstake.airflow_client.following import wait_until_judged
    from sweepstake.champions.past_days import day_champions

    swept = [day.sweep for day in days if day.state in {"success", "skipped"} and day.sweep]
    for model in wait_until_judged(swept, settings, console.say):
        found = [each for each in day_champions(model, settings) if _is_in(each.day, request)]
        if found:
            console.out.print(tables.day_champions_table(model, found))


def _is_in(day: str, request: BackfillRequest) -> bool:
    return str(request.first) <= day <= str(request.last)


def _check_days(request: BackfillRequest, days: tuple[Day, ...], settings: Settings) -> None:
    failed = [day.day for day in days if day.state == "failed"]
    if failed:
        message = (
            f"{request.dag_id}: every day must succeed, but {', '.join(failed)} failed. Read why "
        )
        message += f"at {settings.airflow_url}/dags/{request.dag_id}; fix it; --reprocess failed."
        raise SweepFailedError(message)


def print_champion(model: str, day: date, *, as_json: bool) -> None:
    """Who was champion of ``model`` at the end of a day."""
    from sweepstake.champions.past_days import champion_at

    held = champion_at(model, str(day), load_settings())
    if as_json:
        console.print_json({"model": model, "as_of": str(day), **asdict(held)})
    else:
        console.tell(tables.day_champion_text(model, str(day), held))


def print_champions(model: str, over: str, figure: Path | None, *, as_json: bool) -> None:
    """The champions of ``model`` over a range of days, as a table and as a figure."""
    from sweepstake.reports import timeline

    first, last = _range(over)
    found = _champions(model, first, last)
    file = figure or Path(f"champion-{model}-{first}-{last}.png")
    timeline.draw(found, f"Champions of {model}, {first} to {last}", file)
    if as_json:
        day_champions: list[dict[str, Any]] = console.records(found)
        console.print_json({"model": model, "figure": str(file), "days": day_champions})
    else:
        console.out.print(tables.day_champions_table(model, found))
        console.tell(f"Drawn in {file}")


def _champions(model: str, first: str, last: str) -> list[DayChampion]:
    from sweepstake.champions.past_days import day_champions

    found = [each for each in day_champions(model, load_settings()) if first <= each.day <= last]
    if not found:
        message = f"{model}: must have champions from {first} to {last}, but has none. "
        raise NotFoundError(message + "Backfill them: sweepstake backfill NAME --from ... --to ...")
    return found


def _range(over: str) -> tuple[str, str]:
    match = RANGE.fullmatch(over)
    if not match:
        message = f"must be two days such as 2026-01-01..2026-01-31, but got {over!r}."
        raise typer.BadParameter(message, param_hint="--over")
    return match[1], match[2]
