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

The key has the name of the variable. Where a table says `key`, there is a key and no variable.
Where a setting has several names, the first one that is set counts.

The server looks for `config.json` in `AML_APP_ROOT`, and then beside the entry script;
`AZUREML_CONFIG_FILE` names another file. An empty variable that begins with `SCORESERVE_` counts as
not set.

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
            yield "| name, flag, variable and key | default | unit | meaning |"
            yield "|---|---|---|---|"
        names = "<br>".join((f"**{name}**", *_names(source)))
        cells = (names, _default(getattr(defaults, name)), source.unit, source.help)
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _names(source: Source) -> Iterator[str]:
    """What it is set by."""
    if source.flag is not None:
        yield f"`{source.flag}`"
    for name in source.env:
        yield f"`{name}`" if source.read_env else f"key `{name}`"


def _default(value: object) -> str:
    if value is None or value == "":
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
