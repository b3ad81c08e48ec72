"""The texts of the page around its tables."""

HEAD = """\
# Benchmarks

Written by `make bench`, which starts a stack of its own and measures every way in turn on the same
tracking server, rows, folds and classifiers. A ratio is ours divided by theirs inside one round;
the median of the rounds counts. What a peer imports before its first trial, and the start of Ray's
cluster, are not counted against it; our warm stack has its own start behind it too.
"""

TAIL = """\
## Repeat it

`make bench` measures everything that takes minutes; `make bench ARGS=--full` adds sweeps of 10,000
trials, 500 files at once and 20,000 old versions, about half an hour in all, and the searches of
five spaces, which take longer than all the rest.
`make bench ARGS="--only medium"` measures one part again, and
`make bench ARGS="--only searches --spaces wine-tree"` the searches of one space: each is kept. The
raw figures are in [benchmarks.json](benchmarks.json).
"""

PROMOTION = """\
## Promotion

The rule itself (`promotion.decide`), on simulated sweeps of N trials (seed {seed}): classifiers of
accuracy 0.90 that differ on 5 % of the rows, the finalist chosen by cross-validation on four times
the rows held out. The figures are promotions in 100 rounds; in brackets, what the best score on the
holdout would have promoted.
"""

PROMOTION_WORLDS = {
    "equal": "All trials are exactly as good as the champion: each promotion is an error.",
    "worse": "All trials are one point worse.",
    "better by 1": "One trial is better by one point, the others are equal.",
    "better by 2": "One trial is better by two points, the others are equal.",
}

SERVING = """\
## Serving

One logistic regression, one row a request: 30 numbers, or four numbers and three texts. Each server
runs alone, as its defaults have it, and is asked by one and by 32 connections; the median of the
rounds.

"""

STEPS = """\
## Where a trial's time goes

Milliseconds of a worker per small trial: each step timed from outside, two workers at once. Runs,
versions and uploads are kept by a thread beside the fits. What the slots of a real sweep spend
beyond the steps that training waits for is Airflow's: starting, waiting for and ending tasks, and
the plan.

"""

MEDIUM_STEPS = """\
## Where a medium trial's time goes

The same for the medium grid, whose forests share trees.

"""

CHECKING = """\
## Checking a file

From the start of the program to its end, beside the imports without which nothing can be checked.

"""

BARE_SERVER = """\
## An MLflow server of your own

192 small trials by `sweepstake run`, its start and end included, against an MLflow server that has
our app, which takes many runs at once, and against one that has not.

"""

WIDE = """\
## Wide tables

72 rows of 20,000 numbers, a logistic regression, five folds: from the start of the program to its
end, with everything read, checked and kept, and by a script that keeps nothing.

"""

SEARCHES = """\
## Searches

Spaces of a thousand points and more, ten seeds, everything kept. *Near* is within 0.2 points of the
full grid's best score; its time is a share of the full grid's. Scores and times beside Optuna alone
and `HalvingRandomSearchCV`, which have as many trials and processes and keep nothing. Medians.

"""
