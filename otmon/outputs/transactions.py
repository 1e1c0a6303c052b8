"""Every transaction as one row of a Parquet file, in the order in which they ended.

Columns: `SCHEMA`. A column is null where there is nothing to say: a request that was not seen or
not answered, a service without address, a serial frame without transaction id, an untagged packet.
Packet numbers are those of `source`, from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from otmon import private
from otmon.kernel import Ints
from otmon.ledger.tables import (
    T_ADDRESS,
    T_CLIENT_HI,
    T_CLIENT_LO,
    T_CLIENT_PORT,
    T_COUNT,
    T_EXCEPTION,
    T_FUNCTION,
    T_ID,
    T_PLACE,
    T_REQUEST,
    T_RESPONSE,
    T_RESPONSE_NS,
    T_SERVER_HI,
    T_SERVER_LO,
    T_SERVER_PORT,
    T_SUB,
    T_TIME,
    T_UNIT,
)
from otmon.ledger.texts import address_text

_TEXT: Final = pa.dictionary(pa.int32(), pa.string())

SCHEMA: Final = pa.schema(
    [
        pa.field("time_ns", pa.int64(), nullable=False),
        pa.field("source", _TEXT, nullable=False),
        pa.field("client", _TEXT, nullable=False),
        pa.field("client_port", pa.int32(), nullable=False),
        pa.field("server", _TEXT, nullable=False),
        pa.field("server_port", pa.int32(), nullable=False),
        pa.field("transport", _TEXT, nullable=False),
        pa.field("vlan", pa.int32()),
        pa.field("unit", pa.int32(), nullable=False),
        pa.field("transaction", pa.int32()),
        pa.field("function", pa.int32(), nullable=False),
        pa.field("subfunction", pa.int32()),
        pa.field("address", pa.int32()),
        pa.field("count", pa.int32()),
        pa.field("exception", pa.int32(), nullable=False),
        pa.field("request_packet", pa.int64()),
        pa.field("response_packet", pa.int64()),
        pa.field("response_time_ns", pa.int64()),
    ]
)
"""`time_ns` is the request's, or the response's where the request was not seen; `vlan` the innermost
tag; `address` and `count` are the request's (of function 23 what it reads); `exception` is 0 for none."""

_PLAIN: Final = (
    ("client_port", T_CLIENT_PORT),
    ("server_port", T_SERVER_PORT),
    ("unit", T_UNIT),
    ("function", T_FUNCTION),
    ("exception", T_EXCEPTION),
)
_NULLED: Final = (
    ("transaction", T_ID, 0),
    ("subfunction", T_SUB, 0),
    ("address", T_ADDRESS, 0),
    ("count", T_COUNT, 0),
    ("request_packet", T_REQUEST, 1),
    ("response_packet", T_RESPONSE, 1),
    ("response_time_ns", T_RESPONSE_NS, 0),
)
"""Name, column, and the smallest value that is not null."""


class TransactionsFile:
    """An open Parquet file: one row group for each call of `write`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    @staticmethod
    @contextmanager
    def open(path: str) -> Iterator[TransactionsFile]:
        """The file at `path`, which is whole when the context ends."""
        with _writer(path) as writer:
            yield TransactionsFile(writer)

    def write(self, rows: Ints, source: str) -> None:
        """Add the transactions ``int64[n, T_COLUMNS]`` of `source`."""
        if len(rows):
            self._writer.write_batch(_batch(rows, source))


def join_parts(parts: Sequence[str], path: str) -> None:
    """Join Parquet files: their row groups, one after the other, in one file."""
    with _writer(path) as writer:
        for part in parts:
            with pq.ParquetFile(part) as file:
                for group in range(file.num_row_groups):
                    writer.write_table(file.read_row_group(group).cast(SCHEMA))


def _writer(path: str) -> Any:
    with suppress(FileExistsError):
        private.make(Path(path))
    # Arrow's own pools keep what they once had.
    pa.set_memory_pool(pa.system_memory_pool())
    # Columns of numbers grow slowly from row to row: their differences are small and cheap to write.
    texts = [field.name for field in SCHEMA if pa.types.is_dictionary(field.type)]
    return pq.ParquetWriter(
        path,
        SCHEMA,
        compression="lz4",
        use_dictionary=texts,
        column_encoding={name: "DELTA_BINARY_PACKED" for name in SCHEMA.names if name not in texts},
        write_statistics=["time_ns"],
    )


def _batch(rows: Ints, source: str) -> Any:
    family = rows[:, T_PLACE] >> 40 & 0xF
    udp = (rows[:, T_PLACE] >> 24 & 0xFFFF == 17).astype(np.int32)
    vlan = rows[:, T_PLACE] & 0xFFF
    columns = {
        "time_ns": _column("time_ns", rows[:, T_TIME]),
        "source": _named(np.zeros(len(rows), np.int32), [source]),
        "client": _addresses(family, rows[:, T_CLIENT_HI], rows[:, T_CLIENT_LO]),
        "server": _addresses(family, rows[:, T_SERVER_HI], rows[:, T_SERVER_LO]),
        "transport": _named(udp, ["tcp", "udp"]),
        "vlan": _column("vlan", vlan, vlan > 0),
    }
    for name, column in _PLAIN:
        columns[name] = _column(name, rows[:, column])
    for name, column, smallest in _NULLED:
        columns[name] = _column(name, rows[:, column], rows[:, column] >= smallest)
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


# Arrays are made of buffers: `pyarrow.array` would import pandas where that is installed, 50 MB.


def _column(name: str, values: Ints, valid: npt.NDArray[np.bool_] | None = None) -> Any:
    """An array of the column's type; null where not `valid`."""
    kind = SCHEMA.field(name).type
    held = np.ascontiguousarray(values, np.int64 if kind == pa.int64() else np.int32)
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(held), [bits, pa.py_buffer(held)])


def _named(index: npt.NDArray[np.int32], texts: list[str]) -> Any:
    """An array of texts, of which `index` says the one of each row."""
    encoded = [text.encode("utf-8", "backslashreplace") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    indices = pa.Array.from_buffers(pa.int32(), len(index), [None, pa.py_buffer(index)])
    return pa.DictionaryArray.from_arrays(indices, pa.Array.from_buffers(pa.string(), len(texts), buffers))


def _addresses(family: Ints, high: Ints, low: Ints) -> Any:
    """Addresses as texts, each different one built once."""
    if (family == 4).all():
        held = pa.py_buffer(np.ascontiguousarray(low))
        encoded = pa.Array.from_buffers(pa.int64(), len(low), [None, held]).dictionary_encode()
        texts = [address_text(4, 0, value) for value in encoded.dictionary.to_pylist()]
        return _named(np.frombuffer(encoded.indices.buffers()[1], np.int32, len(low)), texts)
    different, index = np.unique(np.column_stack([family, high, low]), axis=0, return_inverse=True)
    texts = [address_text(*row) for row in different.tolist()]
    return _named(index.reshape(-1).astype(np.int32), texts)
