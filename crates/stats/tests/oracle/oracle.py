"""Drives the PyPI package MLRsearch against devices that the test on the other end of the pipes simulates.

Standard input and output carry lines. To us: "device MINIMUM MAXIMUM" begins a search, "SENT LOST" answers a trial; the end of the input
ends the process. From us: "trial RATE SECONDS" asks for a trial, and
"found LOWER UPPER CONDITIONAL LOWER UPPER CONDITIONAL" (NDR, then PDR; "-" for none) ends a search.
"""

import sys

from MLRsearch import AbstractMeasurer, Config, MeasurementResult, MultipleLossRatioSearch, SearchGoal


def line(*words):
    print(*words, flush=True)


class Measurer(AbstractMeasurer):
    def measure(self, intended_duration, intended_load):
        line("trial", repr(intended_load), repr(intended_duration))
        sent, lost = map(int, sys.stdin.readline().split())
        return MeasurementResult(
            intended_duration=intended_duration,
            intended_load=intended_load,
            offered_count=sent,
            loss_count=lost,
        )


def goal(loss_ratio):
    return SearchGoal(
        loss_ratio=loss_ratio,
        exceed_ratio=0.5,
        relative_width=0.005,
        initial_trial_duration=1.0,
        final_trial_duration=1.0,
        duration_sum=21.0,
        preceding_targets=2,
        expansion_coefficient=4,
        fail_fast=False,
    )


def search(minimum, maximum):
    config = Config()
    config.goals = [goal(0.0), goal(0.005)]
    config.min_load = minimum
    config.max_load = maximum
    config.search_duration_max = 1200.0
    config.warmup_duration = None
    found = MultipleLossRatioSearch(config=config).search(measurer=Measurer(), debug=lambda text: None)
    words = []
    for one in config.goals:
        result = found[one]
        values = (result.relevant_lower_bound, result.relevant_upper_bound, result.conditional_throughput)
        words += ["-" if value is None else repr(float(value)) for value in values]
    return words


for request in sys.stdin:
    _, least, most = request.split()
    line("found", *search(float(least), float(most)))
