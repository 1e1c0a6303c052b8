"""OPC UA in a range: asyncua's server and client, and variables that hold what the plant's process says.

Every so often the variables are set to what the process says now; what a client writes stays. What is said
can be read, as in the lab's captures (`otmon.lab.opc_ua`); the password alone is encrypted, for a key that
the server makes when it starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.uaerrors import UaError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from otmon.lab.opc_ua import NAMESPACE, URI, USER, url

REFRESH_S = 0.5
PATIENCE_S = 3.0
MOST_MESSAGE_BYTES = 65_536
PASSWORD = "order-desk"
"""Of `USER`."""
_KEYS_USE = [ExtendedKeyUsageOID.SERVER_AUTH]
Value = Callable[[], int]
"""What a variable holds now: 16 bits."""


class _Users(UserManager):
    """Lets in the one user that there is."""

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: object = None,
    ) -> User | None:
        known = (username, password) == (USER, PASSWORD)
        return User(role=UserRole.User, name=username) if known else None


class Gateway:
    """A server that listens from `start` on."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        """`values` by the names of the variables: what stands before the last dot is the object's."""
        self._values = dict(values)
        self._server = Server(user_manager=_Users())
        self._nodes: dict[str, Node] = {}
        self._shown: dict[str, int] = {}

    async def start(self, address: str, port: int) -> None:
        """Listen, in the namespace of the calling thread. Raises OSError where the port is taken."""
        server = self._server
        server.limits.max_recv_buffer = server.limits.max_send_buffer = MOST_MESSAGE_BYTES
        await server.init()
        server.set_endpoint(url(address, port))
        server.set_server_name("Lab Data Gateway")
        kinds = ua.SecurityPolicyType
        server.set_security_policy([kinds.NoSecurity, kinds.Basic256Sha256_SignAndEncrypt])
        server.set_identity_tokens([ua.UserNameIdentityToken])
        key = generate_private_key()
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(server.get_application_uri())]
        certificate = generate_self_signed_app_certificate(key, "data gateway", {}, names, _KEYS_USE)
        await server.load_certificate(certificate.public_bytes(Encoding.PEM), "pem")
        await server.load_private_key(dump_private_key_as_pem(key), None, "pem")
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


def _client(address: str, port: int) -> Client:
    client = Client(url(address, port), timeout=PATIENCE_S)
    client.set_user(USER)
    client.set_password(PASSWORD)
    return client


async def read_nodes(address: str, port: int, names: Sequence[str], every_s: float) -> None:
    """Read variables over one session, as long as they are answered. Raises OSError when not any more."""
    try:
        async with _client(address, port) as client:
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
        async with _client(address, port) as client:
            await client.get_node(_id(name)).write_value(ua.Variant(value, ua.VariantType.UInt16))
    except (UaError, TimeoutError, ConnectionError) as error:
        raise OSError(str(error)) from None
