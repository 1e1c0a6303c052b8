"""The Parquet file of transactions: what its columns say, and that others can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from otmon.kernel import Ints
from otmon.ledger import tables as t
from otmon.outputs.transactions import SCHEMA, TransactionsFile, join_parts

V4 = 0xFFFF << 32
TCP, UDP = 6, 17
COLUMNS = [
    "time_ns",
    "source",
    "client",
    "client_port",
    "server",
    "server_port",
    "transport",
    "vlan",
    "unit",
    "transaction",
    "function",
    "subfunction",
    "address",
    "count",
    "exception",
    "request_packet",
    "response_packet",
    "response_time_ns",
]


def row(**given: int) -> list[int]:
    """A transaction as the kernels leave it; what is not given is an ordinary read."""
    values: dict[str, int] = {
        "time": 1_700_000_000_123_456_789, "client_hi": 0, "client_lo": V4 | 0x0A1E010A, "client_port": 49152,
        "server_hi": 0, "server_lo": V4 | 0x0A1E020B, "server_port": 502, "place": TCP << 24 | 4 << 40,
        "unit": 1, "id": 7, "function": 3, "sub": -1, "address": 100, "count": 10, "exception": 0,
        "request": 5, "response": 6, "response_ns": 1_500_000,
    }  # fmt: skip
    return list((values | given).values())


def rows(*several: list[int]) -> Ints:
    return np.array(several, np.int64).reshape(-1, t.T_COLUMNS)


def written(path: Path, *batches: tuple[Ints, str]) -> list[dict[str, Any]]:
    with TransactionsFile.open(str(path)) as file:
        assert file is not None
        for batch, source in batches:
            file.write(batch, source)
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def test_each_column_says_what_it_is_named(tmp_path: Path) -> None:
    (found,) = written(tmp_path / "t.parquet", (rows(row()), "a.pcap"))
    assert list(found) == COLUMNS
    assert found == {
        "time_ns": 1_700_000_000_123_456_789, "source": "a.pcap", "client": "10.30.1.10",
        "client_port": 49152, "server": "10.30.2.11", "server_port": 502,
        "transport": "tcp", "vlan": None, "unit": 1,
        "transaction": 7, "function": 3, "subfunction": None, "address": 100, "count": 10, "exception": 0,
        "request_packet": 5, "response_packet": 6, "response_time_ns": 1_500_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "column", "value"),
    [
        ({"place": 200 << 12 | 10 | TCP << 24 | 4 << 40}, "vlan", 10),
        ({"place": UDP << 24 | 4 << 40}, "transport", "udp"),
        ({"id": -1}, "transaction", None),
        ({"id": 0}, "transaction", 0),
        ({"function": 8, "sub": 0}, "subfunction", 0),
        ({"address": -1}, "address", None),
        ({"address": 0}, "address", 0),
        ({"count": 0}, "count", 0),
        ({"request": 0}, "request_packet", None),
        ({"response": 0, "response_ns": -1}, "response_packet", None),
        ({"response": 0, "response_ns": -1}, "response_time_ns", None),
        ({"response_ns": 0}, "response_time_ns", 0),
        ({"exception": 2}, "exception", 2),
        ({"place": TCP << 24 | 6 << 40, "client_hi": -(2**63) >> 7, "client_lo": 1}, "client", "ff00::1"),
    ],
)
def test_what_is_absent_is_null_and_zero_is_zero(
    tmp_path: Path, given: dict[str, int], column: str, value: object
) -> None:
    (found,) = written(tmp_path / "t.parquet", (rows(row(**given)), "a"))
    assert found[column] == value


def test_batches_follow_each_other_and_empty_ones_leave_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    found = written(path, (rows(row(id=1), row(id=2)), "a"), (rows(), "a"), (rows(row(id=3)), "b"))
    assert [(one["source"], one["transaction"]) for one in found] == [("a", 1), ("a", 2), ("b", 3)]
    assert pq.ParquetFile(path).num_row_groups == 2


def test_a_file_without_transactions_has_its_columns(tmp_path: Path) -> None:
    assert written(tmp_path / "t.parquet") == []
    assert pq.read_schema(tmp_path / "t.parquet").equals(SCHEMA)


def test_joined_parts_are_what_one_writer_would_have_written(tmp_path: Path) -> None:
    first, second = (rows(row(id=1)), "a"), (rows(row(id=2), row(id=3)), "b")
    parts = [str(tmp_path / "1"), str(tmp_path / "2")]
    for part, batch in zip(parts, (first, second), strict=True):
        written(Path(part), batch)
    join_parts(parts, str(tmp_path / "joined"))
    whole = written(tmp_path / "whole", first, second)
    assert pq.read_table(tmp_path / "joined").to_pylist() == whole
    assert pq.ParquetFile(tmp_path / "joined").num_row_groups == 2


def test_duckdb_polars_and_pandas_read_it(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    written(path, (rows(row(), row(response=0, response_ns=-1)), "a.pcap"))
    query = f"select count(*), count(response_packet), min(client), max(time_ns) from '{path}'"
    assert duckdb.sql(query).fetchall() == [(2, 1, "10.30.1.10", 1_700_000_000_123_456_789)]
    frame = pl.read_parquet(path)
    assert frame.columns == COLUMNS
    assert frame["response_packet"].to_list() == [6, None]
    pandas = pd.read_parquet(path)
    assert list(pandas.columns) == COLUMNS
    assert pandas["server"].astype(str).tolist() == ["10.30.2.11"] * 2
    assert pandas["response_packet"].isna().tolist() == [False, True]
