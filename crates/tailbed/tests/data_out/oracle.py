"""What other programs read of tailbed's files, as JSON on standard output: the queries are those of docs/results.md."""

import json
import sys


def parquet(module, path):
    if module == "duckdb":
        import duckdb

        sent, lost, p50, p999, maximum = duckdb.sql(
            f"""SELECT count(*), count(*) - count(kernel), quantile_disc(kernel - sent, 0.5), quantile_disc(kernel - sent, 0.999),
                       max(kernel - sent)
                FROM read_parquet('{path}') WHERE due >= 0"""
        ).fetchall()[0]
        pairs = duckdb.sql(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{path}')").fetchall()
        metadata = {key: value for key, value in pairs if key.startswith("tailbed.")}
    else:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        rows = [row for row in table.to_pylist() if row["due"] >= 0]
        latencies = sorted(row["kernel"] - row["sent"] for row in rows if row["kernel"] is not None)
        rank = lambda per_mille: latencies[-(-len(latencies) * per_mille // 1000) - 1]
        sent, lost = len(rows), len(rows) - len(latencies)
        p50, p999, maximum = rank(500), rank(999), latencies[-1]
        pairs = pyarrow.parquet.read_metadata(path).metadata
        metadata = {key.decode(): value.decode() for key, value in pairs.items() if key.startswith(b"tailbed.")}
    return {"sent": sent, "lost": lost, "p50": p50, "p99.9": p999, "maximum": maximum, "metadata": metadata}


def all_packets(module, path):
    if module == "duckdb":
        import duckdb

        rows = duckdb.sql(
            f"SELECT run, any_value(\"traffic.frame\"), count(*) FROM read_parquet('{path}') WHERE due >= 0 GROUP BY run"
        ).fetchall()
        return {run: [frame, count] for run, frame, count in rows}
    import pyarrow.parquet

    found = {}
    for row in pyarrow.parquet.read_table(path, columns=["run", "traffic.frame", "due"]).to_pylist():
        if row["due"] >= 0:
            found.setdefault(row["run"], [row["traffic.frame"], 0])[1] += 1
    return found


def archive(path, into):
    import zipfile

    with zipfile.ZipFile(path) as file:
        damaged = file.testzip()
        file.extractall(into)
        return {"damaged": damaged, "names": file.namelist()}


QUESTIONS = {"parquet": parquet, "all": all_packets, "zip": archive}
print(json.dumps(QUESTIONS[sys.argv[1]](*sys.argv[2:])))
