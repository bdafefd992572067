"""The table that ``mesofuse train --profile`` prints."""

from __future__ import annotations

from mesofuse.interfaces.events import StepTimes


def table(times: StepTimes) -> str:
    """Return the parts of a training as text: milliseconds a step and share of the whole, the longest first."""
    whole = sum(times.seconds.values())
    if not times.steps or not whole:
        return "No step was made, so there is nothing to profile."
    rows = sorted(times.seconds.items(), key=lambda row: -row[1])
    width = max(len(name) for name in times.seconds)
    lines = [f"{times.steps:,} steps in {whole:.1f} s ({times.steps / whole:.2f} a second):"]
    lines += [
        f"  {name:<{width}}  {1000 * seconds / times.steps:8.1f} ms a step  {100 * seconds / whole:5.1f} %"
        for name, seconds in rows
    ]
    return "\n".join(lines)
