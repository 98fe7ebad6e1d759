"""The ten seconds: who is most accurate, who is cheapest at equal error, what failed. Said from the numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .entries import Entry
from .words import listed, number, plural, seconds, times

NOISE = 1.5  # factor below which two measured times are not called different
ALIKE = 1.5  # factor below which errors of single runs are not called different
CLOSE = 2.0  # factor up to which errors count as equal when costs are compared
USEFUL = 0.1  # relative error above which speed alone is not worth a sentence


@dataclass(frozen=True)
class Verdict:
    """lead: the short answer. details: one or two sentences. tone: "clear", "tie", "open" or "failed"."""

    lead: str
    details: tuple[str, ...]
    tone: str

    @property
    def text(self) -> str:
        return " ".join((self.lead, *self.details))


def verdict(entries: Sequence[Entry], trivial: dict[str, float] | None = None) -> Verdict:
    """entries: as `ranking` gives them. trivial: errors of baselines, by name."""
    finished = [e for e in entries if e.finished]
    scored = [e for e in finished if e.error.known]
    failed = _failures(entries)
    if not entries:
        return Verdict("Nothing ran.", ("No solver that was asked for can take this problem.",), "failed")
    if not finished:
        return Verdict(f"Nothing finished: {plural(len(entries), 'solver')} failed.", (*failed,), "failed")
    if not scored:
        fastest = min(finished, key=lambda e: e.seconds.value)
        lead = f"{fastest.label} was fastest ({seconds(fastest.seconds.value)}); who is right is not known."
        return Verdict(lead, ("There is no reference, hence no error.", *failed), "open")
    best = scored[0]
    equal = [e for e in scored if e.as_good_as(best) or _alike(e, best)]
    cheapest = min(equal, key=lambda e: e.seconds.value)
    lead, tone = _lead(scored, best, equal, cheapest)
    details = [*_beaten(best, trivial or {}), *_cost(scored, best, equal, cheapest), *_classical(scored), *failed]
    return Verdict(lead, tuple(details), tone)


def _lead(scored: list[Entry], best: Entry, equal: list[Entry], cheapest: Entry) -> tuple[str, str]:
    if len(scored) == 1:
        floor = ", at the reference floor" if best.at_floor else ""
        return f"{best.label}: error {number(best.error.value)}{floor}, in {seconds(best.seconds.value)}.", "open"
    if len(equal) == 1:
        nearest = next(e for e in scored if e is not best)
        ratio = nearest.error.value / (max(best.error.value, best.floor) if best.at_floor else best.error.value)
        size = f"{times(ratio)} times" if ratio < 1e4 else f"{math.log10(ratio):.0f} orders of magnitude"
        gap = f"{'at least ' if best.at_floor else ''}{size} below the next,"
        lead = f"{best.label} is the most accurate: error {_error(best)}, {gap} {nearest.label}"
        return lead + _hedge(best, nearest) + ".", "clear"
    names = listed([e.label for e in equal])
    if all(e.at_floor for e in equal):
        rivals = [e for e in equal if e is not cheapest]
        every = "both" if len(equal) == 2 else "all"
        lead = f"{names} are {every} at the reference floor ({number(best.floor)}): it cannot tell them apart."
        return lead + _fastest(cheapest, rivals), "tie"
    why = "intervals overlap"
    if _single(equal):
        hidden = all(e.as_good_as(best) for e in equal)
        why = "once the reference's own error is allowed for" if hidden else f"one run each, within a factor {ALIKE:g}"
    return f"No difference in error is shown between {names} ({why}).{_fastest(cheapest, equal)}", "tie"


def _fastest(cheapest: Entry, rivals: Sequence[Entry]) -> str:
    others = [e for e in rivals if e is not cheapest]
    next_best = min(others, key=lambda e: e.seconds.value)
    ratio = next_best.seconds.value / max(cheapest.seconds.value, 1e-9)
    if ratio < NOISE:
        return f" {cheapest.label} and {next_best.label} take about as long ({seconds(cheapest.seconds.value)})."
    return (
        f" Cheapest of them: {cheapest.label}, {seconds(cheapest.seconds.value)}, {times(ratio)} times faster than the"
        f" next, {next_best.label}."
    )


def _cost(scored: list[Entry], best: Entry, equal: list[Entry], cheapest: Entry) -> list[str]:
    """Who is cheapest near the best error, and what giving up accuracy would save."""
    found = []
    if len(equal) == 1 and len(scored) > 1:
        near = [e for e in scored if e.error.value <= CLOSE * best.error.value]
        cheapest = min(near, key=lambda e: e.seconds.value)
        if cheapest is best:
            slower = [e for e in scored if e is not best]
            dominated = all(e.seconds.value >= NOISE * best.seconds.value for e in slower)
            price, note = seconds(best.seconds.value), f"nothing within a factor {CLOSE:g} of its error is cheaper"
            found.append(f"It is also the fastest ({price})." if dominated else f"It takes {price}; {note}.")
        else:
            found.append(f"Cheapest within a factor {CLOSE:g} of that error: {_priced(cheapest)}.")
    quicker = [
        e for e in scored
        if e is not cheapest and e.error.value <= USEFUL and NOISE * e.seconds.value < cheapest.seconds.value
    ]  # fmt: skip
    if quicker:
        quick = min(quicker, key=lambda e: e.seconds.value)
        ratio = cheapest.seconds.value / max(quick.seconds.value, 1e-9)
        found.append(f"For less accuracy: {_priced(quick)}, {times(ratio)} times faster.")
    return found


def _classical(scored: list[Entry]) -> list[str]:
    """The best of either sort beside each other, where both are there."""
    sides = [[e for e in scored if e.classical is kind] for kind in (True, False)]
    if not all(sides):
        return ["No classical solver is among these rows."] if not sides[0] else []
    old, new = sides[0][0], sides[1][0]
    if new.number == 1 and old.error.value > CLOSE * new.error.value and not old.as_good_as(new):
        return [f"No classical row here reaches that error ({_priced(old)}); what one would cost there is not shown."]
    if {old.number, new.number} <= {scored[0].number, scored[1].number}:
        return []  # the lead has compared these two
    return [f"Best classical: {_priced(old)}; best other: {_priced(new)}."]


def _beaten(best: Entry, trivial: dict[str, float]) -> list[str]:
    if not trivial:
        return []
    name, error = min(trivial.items(), key=lambda item: item[1])
    if best.error.low < error:
        return []
    return [f"None beats the trivial baseline {name} (error {number(error)})."]


def _failures(entries: Sequence[Entry]) -> tuple[str, ...]:
    count, total = sum(len(e.failures) for e in entries), sum(len(e.rows) for e in entries)
    if not count:
        return ()
    names = listed([e.label for e in entries if e.failures])
    budget = sum("budget" in row.outcome for e in entries for row in e.failures)
    reason = f", {budget} of them out of budget" if 0 < budget < count else ", out of budget" if budget else ""
    return (f"Did not finish: {count} of {plural(total, 'run')} ({names}{reason}).",)


def _error(entry: Entry) -> str:
    return number(entry.error.value) + (" (at the reference floor)" if entry.at_floor else "")


def _priced(entry: Entry) -> str:
    return f"{entry.label} (error {number(entry.error.value)}, {seconds(entry.seconds.value)})"


def _alike(first: Entry, second: Entry) -> bool:
    return _single([first, second]) and first.error.value < ALIKE * second.error.value


def _single(entries: Sequence[Entry]) -> bool:
    return all(e.error.kind == "one" for e in entries)


def _hedge(first: Entry, second: Entry) -> str:
    if _single([first, second]):
        return " (one seed each)"
    return "" if {first.error.kind, second.error.kind} & {"one", "range"} else ", intervals apart"
