"""What the two peers in Python have in common: cases in, a report out, in the form of src/lib.rs."""

import json
import logging
import sys
import time


class Bench:
    """A verifier. `prepare` gives a function that raises what the verifier raises."""

    peer = ""
    nobodys_root = ""

    def __init__(self, mds):
        raise NotImplementedError

    def prepare(self, case):
        raise NotImplementedError


def rate(seconds, once):
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(10):
            once()
        times += 10
    return times / (time.perf_counter() - began)


def run(bench, path, milliseconds):
    logging.disable(logging.CRITICAL)
    with open(path) as file:
        document = json.load(file)
    verifier = bench(document["mds"])
    # The root of the first vector, which issued nothing but that one.
    verifier.nobodys_root = document["cases"][0]["roots"][0]
    verdicts, rates = {}, {}
    for case in document["cases"]:
        try:
            once = verifier.prepare(case)
            once()
            verdicts[case["name"]] = "accept"
        except Exception as error:  # noqa: BLE001, whatever it raises, it is a refusal
            verdicts[case["name"]] = f"reject: {type(error).__name__}: {error}"[:200]
            continue
        if case["expected"] == "accept":
            rates[case["name"]] = rate(int(milliseconds) / 1000, once)
    json.dump({"peer": verifier.peer, "verdicts": verdicts, "rates": rates}, sys.stdout)
