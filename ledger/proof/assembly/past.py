"""What the logs before this one knew: gathered for a dossier, or to be taken over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ledger.proof.assembly.gathering import Gathered
from ledger.proof.assembly.reader import LogReader
from ledger.proof.checks.carried import Entry, follow
from ledger.proof.dossier import Past


def assemble_past(readers: Sequence[LogReader], batteries: Iterable[str]) -> Past:
    """What the log of the first of ``readers`` says of ``batteries``, with those on whose histories
    theirs rest; the others are the logs before it, the newest first. Raises what readers raise."""
    log, *pasts = [Gathered(reader) for reader in readers]
    carried = carried_in((log, *pasts), batteries)
    return _finished(log, pasts, carried)


def carried_in(logs: Sequence[Gathered], batteries: Iterable[str]) -> set[str]:
    """Take all entries of ``batteries`` and of those on whose histories theirs rest, out of all
    ``logs``; gives the names of all of them."""

    def entries(uri: str) -> Iterator[Entry]:
        for log in logs:
            for index in log.take(uri):
                statement, content = log.entry(index)
                yield statement.entry_id, content

    return set(follow(batteries, entries))


def gathered_past(
    newer: Gathered, pasts: Sequence[Gathered], carried: Iterable[str]
) -> Past | None:
    """The past of the batteries ``carried``, which ``carried_in`` has taken: without those that
    ``newer`` shows to have none. It is there without batteries too: it shows how that log ended."""
    if not pasts:
        return None
    left = set(carried) - newer.fresh()
    for past in pasts:
        for uri in past.chains.keys() - left:
            del past.chains[uri]
    return _finished(pasts[0], pasts[1:], left)


def _finished(log: Gathered, pasts: Sequence[Gathered], carried: set[str]) -> Past:
    log.take_names(carried)
    log.take_heads()
    older = gathered_past(log, pasts, carried)
    return Past(log.reader.checkpoint(), log.entries(), log.index(), older)
