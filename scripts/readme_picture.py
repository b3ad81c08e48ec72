"""Draw the leaderboard that the README shows: ``python scripts/readme_picture.py`` runs a sweep.

It needs no server: the sweep is tracked in a folder that is gone afterwards.
"""

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

import sweepstake
from sweepstake.cli.tables import leaderboard_table

HOME = Path(__file__).parents[1]
PICTURE = HOME / "docs" / "pictures" / "leaderboard.svg"
WIDTH = 126
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""Fonts from elsewhere: a picture asks no other server for anything."""


def main() -> None:
    """Run the example of the README, and draw what the command line prints of it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        os.environ["SWEEPSTAKE_HOME"] = folder
        os.chdir(folder)  # MLflow keeps models where it is
        board = sweepstake.run(HOME / "docs" / "examples" / "cancer-trees.yaml", jobs=2)
        champion = sweepstake.champion("cancer")
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print("$ sweepstake submit docs/examples/cancer-trees.yaml --wait", style="bold")
    console.print(leaderboard_table(replace(board, url="")))
    version = champion.version if champion else ""
    console.print(f"cancer: champion is v{version}. {board.decision}")
    PICTURE.parent.mkdir(exist_ok=True)
    drawn = FONTS.sub("", console.export_svg(title="Sweepstake"))
    PICTURE.write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE), encoding="utf-8")


if __name__ == "__main__":
    main()
