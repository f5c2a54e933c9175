"""The ledger in Prometheus' text format 0.0.4: counters and the split of the time, per model and backend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.survey.calls.figures import Latency, ModelFigures

COUNTED = ("done", "failed", "lost", "cancelled")
SPLIT = (
    ("pugmark_call_total_seconds", "total", "Duration of a call, over the newest calls that ended well."),
    ("pugmark_call_waiting_seconds", "waiting", "Of it: waiting, neither loading nor running."),
    ("pugmark_call_cold_start_seconds", "cold_start", "Of it: loading the model, of calls that met a cold container."),
    ("pugmark_call_run_seconds", "run", "Of it: running the model."),
)


def model_text(figures: Sequence[ModelFigures]) -> str:
    """Metrics of every model the ledger knows; empty for an empty ledger."""
    if not figures:
        return ""
    lines = _family("pugmark_calls_total", "counter", "Calls that ended, by outcome.")
    lines += [
        _line("pugmark_calls_total", one, getattr(one, outcome), outcome=outcome)
        for one in figures
        for outcome in COUNTED
    ]
    lines += _simple("pugmark_call_retries_total", "counter", "Attempts beyond the first.", figures, "retries")
    lines += _simple("pugmark_calls_open", "gauge", "Calls under way.", figures, "running")
    lines += _simple("pugmark_call_oldest_seconds", "gauge", "Age of the longest open call.", figures, "oldest_seconds")
    lines += _simple(
        "pugmark_model_seconds_total",
        "counter",
        "Seconds of running and loading, over all calls.",
        figures,
        "run_seconds",
    )
    for name, part, text in SPLIT:
        lines += _family(name, "gauge", text)
        for one in figures:
            latency: Latency = getattr(one, part)
            for quantile, value in (("0.5", latency.p50), ("0.95", latency.p95)):
                if value is not None:
                    lines.append(_line(name, one, value, quantile=quantile))
    return "\n".join(lines) + "\n"


def _simple(name: str, kind: str, text: str, figures: Iterable[ModelFigures], field: str) -> list[str]:
    return _family(name, kind, text) + [_line(name, one, getattr(one, field) or 0) for one in figures]


def _family(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _line(name: str, one: ModelFigures, value: float, **more: str) -> str:
    labels = {"model": one.model, "backend": one.backend, **more}
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
