"""Sealbuf as an installation has it: the daemon under a uid of its own, clients under another.

A client's effective uid is what counts for the daemon and the kernel. The saved one stays root's,
so that this process can end the daemon.
"""

import ctypes
import os

from peer.contract import Peer, Store, Unable
from peer.program import Server, memory_folder, needed

import sealbuf
from peers.sealbuf import CAPACITY, Connection

DAEMON, CLIENT, GROUP = 61001, 61002, 61000
PR_SET_DUMPABLE = 4


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None

    def start(self) -> str:
        if os.geteuid() != 0:
            raise Unable("only root can start processes of other uids")
        launcher = needed(os.environ["SEALBUF_LAUNCHER"], "none: run `make build`")
        folder = memory_folder()
        folder.chmod(0o750)
        os.chown(folder, DAEMON, GROUP)
        socket = folder / "sealbuf.sock"
        self._server = Server(
            [
                "setpriv", f"--reuid={DAEMON}", f"--regid={DAEMON}", f"--groups={GROUP}",
                "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--pdeathsig=KILL",
                launcher, "serve", "--socket", str(socket), "--capacity", CAPACITY,
                "--group", str(GROUP),
            ],
            folder,
        )  # fmt: skip
        become_client()
        self._server.wait_until(lambda: _answers(str(socket)))
        return str(socket)

    def connect(self, address: str) -> Store:
        become_client()
        return Connection(address)

    def versions(self) -> dict[str, str]:
        return {"sealbuf": sealbuf.__version__}

    def settings(self) -> dict[str, str]:
        return {"capacity": CAPACITY, "uids": f"daemon {DAEMON}, client {CLIENT}"}

    def servers(self) -> list[int]:
        return [] if self._server is None else [self._server.pid]

    def stop(self) -> None:
        if self._server is not None:
            os.seteuid(0)
            self._server.stop()


def become_client() -> None:
    if os.geteuid() == CLIENT:
        return
    os.setgroups([GROUP])
    os.setresgid(CLIENT, CLIENT, CLIENT)
    os.setresuid(CLIENT, CLIENT, 0)
    # Lets this process read its own /proc again.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1)


def _answers(socket: str) -> bool:
    try:
        sealbuf.connect(socket, timeout=0.1).close()
    except (sealbuf.Disconnected, sealbuf.Timeout):
        return False
    return True
