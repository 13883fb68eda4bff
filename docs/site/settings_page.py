"""docs/settings.md, from the table in server/scoreserve/settings.py."""

from __future__ import annotations

from collections.abc import Iterator

from scoreserve.settings import Settings, Source, sources

_HEAD = """\
# Settings

<!-- Written by docs/site/settings_page.py from server/scoreserve/settings.py: `make docs`. -->

A setting can be given in three places. A **flag** of `scoreserve serve` wins over an environment
**variable**, which wins over a **key** of the file `config.json`:

| place | example |
|---|---|
| flag | `scoreserve serve score.py --workers 2` |
| variable | `WORKER_COUNT=2` |
| key of `config.json` | `{"WORKER_COUNT": 2}` |

The key has the name of the variable. The server looks for `config.json` in `AML_APP_ROOT`, and
then beside the entry script; `AZUREML_CONFIG_FILE` names another file. An empty variable that
begins with `SCORESERVE_` counts as not set. Where a setting has several names, the first one that
is set counts.

A value that a setting cannot have ends the server at its start, with exit code 3 and the name of
the setting. [Values of settings](operations.md#values-of-settings) has the exceptions.
"""


def page() -> str:
    """The page, in Markdown."""
    return _HEAD + "\n".join(_tables()) + "\n"


def _tables() -> Iterator[str]:
    """A table under each heading."""
    defaults = Settings()
    for name, source in sources():
        if source.heading:
            yield f"\n## {source.heading}\n"
            yield "| setting | flag | variable and key | default | unit | meaning |"
            yield "|---|---|---|---|---|---|"
        flag = f"`{source.flag}`" if source.flag else "none"
        default = _default(getattr(defaults, name))
        cells = (f"`{name}`", flag, _names(source), default, source.unit, source.help)
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _names(source: Source) -> str:
    names = ", ".join(f"`{name}`" for name in source.env)
    return names if source.read_env else f"{names} as a key only"


def _default(value: object) -> str:
    if value is None or value == "":
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
