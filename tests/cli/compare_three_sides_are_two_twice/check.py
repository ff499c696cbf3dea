"""Of the report of three sides each pair against that of two."""
import json

three = json.load(open("three"))
names = [row["side"] for row in three["sides"]]
print(names, list(three["configurations"]) == names)
for name in names[1:]:
    two = json.load(open(name + ".json"))
    of = lambda table: [{k: v for k, v in row.items() if k != "side"} for row in three[table] if row["side"] == name]
    lettered = lambda row: {k.replace("mean_first_", "mean_a_") if k != "mean_ms" else "mean_b_ms": v for k, v in row.items()}
    same = {}
    for table in ("latencies", "class_differences"):
        same[table] = [lettered(row) for row in of(table)] == two[table]
    same["decisions"] = [(r["decision"], r["request"], r["sample"], r["first"], r["own"]) for r in of("decisions_that_differ")] == \
        [(r["decision"], r["request"], r["sample"], r["a"], r["b"]) for r in two["decisions_that_differ"]]
    first = of("first_differences")[0]
    same["step"] = (first["step"], first["first_start_ns"], first["own_start_ns"]) == tuple(two["first_difference"][k] for k in ("step", "a_start_ns", "b_start_ns"))
    # Whose wait is starving depends on all sides.
    figures = {row["figure"]: row for row in three["figures"] if row["figure"] != "starving"}
    same["figures"] = all((figures[r["figure"]]["base"], figures[r["figure"]][name], figures[r["figure"]]["delta_" + name], figures[r["figure"]]["relative_" + name]) ==
                          (r["a"], r["b"], r["delta"], r["relative"]) for r in two["figures"] if r["figure"] != "starving")
    same["requests"] = all(x["delta_%s_%s" % (name, k)] == y["delta_" + k] and x["%s_%s" % (name, k)] == y["b_" + k] and x["base_" + k] == y["a_" + k]
                           for x, y in zip(three["per_request"], two["per_request"]) for k in ("ttft_ms", "tpot_ms", "e2el_ms", "queue_ms"))
    same["configuration"] = three["configurations"][name] == two["b"]["configuration"]
    print(name, len(of("class_differences")), [key for key, value in same.items() if not value])
