"""OPC UA in a range: asyncua's server and client, and variables that hold what the plant's process says.

Every so often the variables are set to what the process says now; what a client writes stays. Without
security, as in the lab's captures (`otmon.lab.opc_ua`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.uaerrors import UaError

from otmon.lab.opc_ua import NAMESPACE, URI, url

REFRESH_S = 0.5
PATIENCE_S = 3.0
MOST_MESSAGE_BYTES = 65_536
Value = Callable[[], int]
"""What a variable holds now: 16 bits."""


class Gateway:
    """A server that listens from `start` on."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        """`values` by the names of the variables: what stands before the last dot is the object's."""
        self._values = dict(values)
        self._server = Server()
        self._nodes: dict[str, Node] = {}
        self._shown: dict[str, int] = {}

    async def start(self, address: str, port: int) -> None:
        """Listen, in the namespace of the calling thread. Raises OSError where the port is taken."""
        server = self._server
        server.limits.max_recv_buffer = server.limits.max_send_buffer = MOST_MESSAGE_BYTES
        await server.init()
        server.set_endpoint(url(address, port))
        server.set_server_name("Lab Data Gateway")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        if await server.register_namespace(URI) != NAMESPACE:
            raise OSError(f"{address}:{port}: the server has another first namespace")
        parents: dict[str, Node] = {}
        for name, value in self._values.items():
            parent, _, _ = name.rpartition(".")
            if parent not in parents:
                parents[parent] = await server.nodes.objects.add_object(_id(parent), _named(parent))
            self._shown[name] = value()
            variable = await parents[parent].add_variable(
                _id(name), _named(name), self._shown[name], ua.VariantType.UInt16
            )
            await variable.set_writable()
            self._nodes[name] = variable
        await server.start()

    async def run(self) -> None:
        """Let the variables follow the process, without end."""
        while True:
            for name, value in self._values.items():
                node, now = self._nodes[name], value()
                if await node.read_value() == self._shown[name] != now:
                    await node.write_value(ua.Variant(now, ua.VariantType.UInt16))
                    self._shown[name] = now
            await asyncio.sleep(REFRESH_S)

    async def stop(self) -> None:
        await self._server.stop()


def _id(name: str) -> ua.NodeId:
    return ua.NodeId(ua.String(name), ua.Int16(NAMESPACE))


def _named(name: str) -> ua.QualifiedName:
    return ua.QualifiedName(name.rpartition(".")[2], NAMESPACE)


async def read_nodes(address: str, port: int, names: Sequence[str], every_s: float) -> None:
    """Read variables over one session, as long as they are answered. Raises OSError when not any more."""
    try:
        async with Client(url(address, port), timeout=PATIENCE_S) as client:
            nodes = [client.get_node(_id(name)) for name in names]
            task = asyncio.current_task()
            # asyncua waits by `wait_for`, which in Python 3.11 can lose a cancellation.
            while task is None or not task.cancelling():
                for one in await client.read_attributes(nodes):
                    (one.StatusCode or ua.StatusCode()).check()
                await asyncio.sleep(every_s)
    except (UaError, TimeoutError, ConnectionError) as error:
        raise OSError(str(error)) from None


async def write_node(address: str, port: int, name: str, value: int) -> None:
    """Write a variable, over a session of its own. Raises OSError."""
    try:
        async with Client(url(address, port), timeout=PATIENCE_S) as client:
            await client.get_node(_id(name)).write_value(ua.Variant(value, ua.VariantType.UInt16))
    except (UaError, TimeoutError, ConnectionError) as error:
        raise OSError(str(error)) from None
