#!/usr/bin/python3
"""Dashboard and alert rules ask only for metrics there are: those of the golden exposition, and those of
node_exporter that ours are made to join with."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {"up", "node_ipvs_connections_total"}
# What else stands where a metric's name may stand.
WORDS = {"sum", "by", "rate", "increase", "on", "group_left", "histogram_quantile", "count", "time", "and", "label_values"}


def exported():
    names = set()
    for line in (ROOT / "tests/golden/metrics/full.txt").read_text().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            names.update({name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name})
    return names


def names_in(expression):
    """Words that are neither labels nor their values, durations or numbers."""
    without = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on|group_left) \([^)]*\)|, instance\)", " ", expression)
    return {word for word in re.findall(r"[a-zA-Z_][a-zA-Z0-9_]*", without) if word not in WORDS}


def expressions():
    dashboard = json.loads((ROOT / "deploy/grafana/twobox.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield "panel '%s'" % panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield "variable " + variable["name"], variable["query"]
    for line in (ROOT / "deploy/prometheus/twobox.rules.yml").read_text().splitlines():
        if line.strip().startswith("expr: "):
            yield "alert rule", line.split("expr: ", 1)[1]


def main():
    known = exported() | NOT_OURS
    faults = [f"{where}: {name} is not exported" for where, text in expressions() for name in names_in(text) - known]
    count = len(list(expressions()))
    for fault in faults:
        print("not ok - " + fault)
    print(f"ok - {count} expressions ask for metrics there are" if not faults else f"{len(faults)} faults")
    return 1 if faults or count < 15 else 0


sys.exit(main())
