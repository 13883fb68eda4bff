"""A debugger's user, as an editor is one: the little of the Debug Adapter Protocol that it takes to
stop at a breakpoint, in whichever process of a program that is.

See https://microsoft.github.io/debug-adapter-protocol/specification. debugpy adds an event that
tells of a child process, `debugpyAttach`: a session of its own is to be made for it.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Mapping
from typing import Any

from tests.servers import DEADLINE_SECONDS, wait_until

Message = Mapping[str, Any]


class Debugger:
    """Sets one breakpoint in each process there is, and goes on from it. `stops` has the variables
    of the function that stood at the breakpoint, for each time.
    """

    def __init__(self, port: int, path: str, line: int) -> None:
        self.stops: queue.Queue[dict[str, str]] = queue.Queue()
        self._path = path
        self._line = line
        self._sessions: list[_Session] = []
        self._attach(port, {"connect": {"host": "127.0.0.1", "port": port}, "subProcess": True})

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def _attach(self, port: int, arguments: Message) -> None:
        session = _Session(port)
        self._sessions.append(session)
        session.ask("initialize", adapterID="python", pathFormat="path", linesStartAt1=True)
        session.send("attach", **arguments)
        session.wait_event("initialized")
        breakpoints = [{"line": self._line}]
        session.ask("setBreakpoints", source={"path": self._path}, breakpoints=breakpoints)
        session.ask("configurationDone")
        threading.Thread(target=self._follow, args=(session,), daemon=True).start()

    def _follow(self, session: _Session) -> None:
        """Until the process ends: its children get a session each."""
        while (event := session.next_event()) is not None:
            if event["event"] == "debugpyAttach":
                self._attach(event["body"]["connect"]["port"], event["body"])
            elif event["event"] == "stopped":
                self.stops.put(session.local_variables(event["body"]["threadId"]))
                session.ask("continue", threadId=event["body"]["threadId"])


class _Session:
    """One connection to the adapter, for one process."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)
        self._number = 0
        self._events: queue.Queue[Message | None] = queue.Queue()
        self._responses: queue.Queue[Message] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def send(self, command: str, **arguments: Any) -> None:
        """A request whose response is not waited for."""
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command}
        body = json.dumps({**message, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def ask(self, command: str, **arguments: Any) -> Any:
        """What the response to a request has."""
        self.send(command, **arguments)
        while True:
            response = self._responses.get(timeout=DEADLINE_SECONDS)
            if response["command"] == command:
                assert response["success"], response
                return response.get("body")

    def next_event(self) -> Message | None:
        """The next one; None when the process has ended."""
        return self._events.get()

    def wait_event(self, name: str) -> None:
        while True:
            event = self._events.get(timeout=DEADLINE_SECONDS)
            assert event is not None, f"the process ended before {name}"
            if event["event"] == name:
                return

    def local_variables(self, thread: int) -> dict[str, str]:
        """Of the innermost frame of a thread that stands still."""
        frame = self.ask("stackTrace", threadId=thread)["stackFrames"][0]
        scope = self.ask("scopes", frameId=frame["id"])["scopes"][0]
        found = self.ask("variables", variablesReference=scope["variablesReference"])
        return {each["name"]: each["value"] for each in found["variables"]}

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                while length := _length_of_next(stream):
                    message = json.loads(stream.read(length))
                    if message["type"] == "response":
                        self._responses.put(message)
                    elif message["type"] == "event":
                        self._events.put(message)
            except (OSError, ValueError):  # the adapter is gone
                pass
        self._events.put(None)


def _length_of_next(stream: Any) -> int:
    """From the header of the next message, in bytes; 0: there is none."""
    length = 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return length


def _connected(port: int) -> socket.socket:
    """A connection, as soon as somebody listens."""
    connection = socket.socket()
    wait_until(lambda: connection.connect_ex(("127.0.0.1", port)) == 0, "the debugger listens")
    return connection
