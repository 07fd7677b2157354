"""Run a tool with its output in a log file, while its progress is shown."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pdm_app.bootstrap.problems import SetupError, explain_log, explained

KEPT_CHARACTERS = 200_000  # Enough of the end of a tool's output to find out why it failed.


def run_logged(
    command: Sequence[str | os.PathLike[str]],
    *,
    doing: str,
    log: Path,
    on_line: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run to the end, every line to the log and to ``on_line``.

    An interruption of this process ends the tool too, since both are in the terminal's process group.

    Raises:
        SetupError: The tool is missing, or ended with an error that its output explains.
    """
    with explained(doing, log):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as sink:
            sink.write(f"\n$ {' '.join(os.fspath(word) for word in command)}\n")
            sink.flush()
            kept: list[str] = []
            kept_characters = 0
            try:
                process = subprocess.Popen(
                    [os.fspath(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace", env=environment, cwd=cwd,
                )  # fmt: skip
            except FileNotFoundError as error:
                raise SetupError(f"{doing} failed: {command[0]} is not there.") from error
            with process:
                assert process.stdout is not None  # noqa: S101 - asked for with PIPE
                for line in process.stdout:
                    sink.write(line)
                    kept.append(line)
                    kept_characters += len(line)
                    while kept_characters > KEPT_CHARACTERS:
                        kept_characters -= len(kept.pop(0))
                    on_line(line.rstrip())
    if process.returncode != 0:
        raise explain_log(doing, "".join(kept), log)
