"""Every public symbol has a known type: `pyright --verifytypes` must say 100 %, or this fails."""

import json
import subprocess
import sys


def main() -> int:
    """Print the score and what is missing; the exit code says whether it is complete."""
    command = ["pyright", "--verifytypes", "kai_client", "--ignoreexternal", "--outputjson"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    report = json.loads(answer.stdout)["typeCompleteness"]
    score = report["completenessScore"]
    known = report["exportedSymbolCounts"]["withKnownType"]
    print(f"type completeness {score:.1%} of {known} exported symbols")
    for symbol in report["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            print(symbol["name"], *(problem["message"] for problem in symbol["diagnostics"]))
    return 0 if score == 1 and known else 1


if __name__ == "__main__":
    sys.exit(main())
