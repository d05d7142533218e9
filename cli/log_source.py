"""Where a log is read from on the command line: a service or any web server, or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from keys.errors import CellbookError, declare
from ledger.monitor.source import TOO_LARGE, FolderSource, LogSource

if TYPE_CHECKING:
    from cli.remote import Remote
    from ledger.monitor.copying.offline import OfflineLog

NOWHERE = declare(
    "usage.log.source",
    "There is no published log at this place.",
    "Give the address of a service, or the folder that `cellbook mirror` has made.",
)


@contextmanager
def open_source(place: str) -> Iterator[LogSource]:
    """The log at a URL or in a folder. Raises ``usage.log.source``, ``usage.service.url``."""
    if "://" not in place:
        if not Path(place).is_dir():
            raise NOWHERE.at(place)
        yield FolderSource(Path(place))
        return
    from cli.remote import Remote

    with Remote(place) as remote:
        yield RemoteSource(remote)


@contextmanager
def open_copy(folder: Path, *, quiet: bool) -> Iterator[OfflineLog]:
    """The copy of a log in ``folder``. Raises what ``OfflineLog`` raises."""
    from cli.output import progress
    from ledger.monitor.copying.offline import OfflineLog

    with progress("reading entries", quiet=quiet) as tell:
        log = OfflineLog(folder, tell)
    with log:
        yield log


class RemoteSource:
    """A log over HTTP: a service, a mirror behind a web server, a content delivery network."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def fetch(self, path: str, most: int) -> bytes | None:
        """See ``LogSource``."""
        try:
            return self._remote.published(path, most)
        except CellbookError as error:
            if error.code == "unavailable.service.size":
                raise TOO_LARGE.at(path, f"more than {most} bytes") from None
            raise

    def hand_in(self, note: bytes) -> None:
        """Give the service a checkpoint with an auditor's cosignature. Raises what refuses it."""
        note_type = "text/plain; charset=utf-8"
        self._remote.put("/checkpoint/cosignatures", note, note_type, method="POST")
