"""Real witnesses for tests: each a process of its own that serves C2SP tlog-witness.

    with WitnessProcess(folder, "witness.example/1", log) as witness:
        ...  # witness.url, witness.verifier
        witness.kill()
        witness.start()

``log`` is the verifier of the log's checkpoint key. It comes back on the same port.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from keys import keyfile
from keys.signer import generate
from ledger.monitor.witnessing.witness import witness_verifier
from ledger.wire.verifier import Verifier

_PASSPHRASE = "a passphrase of tests only, not short"
_PROGRAM = """
import sys
from pathlib import Path
from api.witnessing import serve_witness
from keys import keyfile
from ledger.monitor.witnessing.witness import Witness, witness_verifier
from ledger.monitor.witnessing.state import WitnessState
from ledger.wire.verifier import Verifier
key, passphrase, name, state, log, port = sys.argv[1:]
signer = keyfile.load(Path(key), passphrase)
kept = WitnessState(Path(state), witness_verifier(name, signer))
witness = Witness(name, signer, [Verifier.parse(log)], kept)
serve_witness(witness, "127.0.0.1", int(port), lambda url: print(url, flush=True))
"""


class WitnessProcess:
    """A witness that runs, until it is killed. ``url`` has no slash at its end."""

    def __init__(self, folder: Path, name: str, log: Verifier) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._log = log
        self.name = name
        signer = generate()
        keyfile.save(folder / "witness.pem", signer, _PASSPHRASE)
        self.verifier = witness_verifier(name, signer)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.start()

    def __enter__(self) -> WitnessProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, on the port that it had."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _PROGRAM,
                str(self._folder / "witness.pem"),
                _PASSPHRASE,
                self.name,
                str(self._folder / "state"),
                self._log.vkey,
                str(self._port),
            ],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        assert self.url, "the witness did not start"
        self._port = int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def pause(self) -> None:
        """Let it hold its connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def policy_text(*witnesses: WitnessProcess, needed: int) -> bytes:
    """A tlog-policy in which ``needed`` of ``witnesses`` must cosign."""
    names = [f"w{n}" for n in range(1, len(witnesses) + 1)]
    lines = [
        f"witness {name} {witness.verifier.vkey} {witness.url}"
        for name, witness in zip(names, witnesses, strict=True)
    ]
    lines += [f"group all-of-them {needed} {' '.join(names)}", "quorum all-of-them", ""]
    return "\n".join(lines).encode()
