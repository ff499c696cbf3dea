import json
import sys

report = json.load(sys.stdin)
report.pop("measured", None)
print(json.dumps(report))
