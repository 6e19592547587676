"""Says what the reports of a folder come to: who is how fast, and who is wrong about what."""

import json
import pathlib
import statistics
import sys

BARE = "bare P-256"


def best_rounds(folder):
    """Each verifier's verdicts, and the best rate of each case, in the order of the files' names."""
    verifiers = {}
    for path in sorted(folder.glob("*-*.json")):
        if not path.stat().st_size:
            continue
        report = json.loads(path.read_text())
        verdicts, rates = verifiers.setdefault(report["peer"], (report["verdicts"], {}))
        if verdicts.keys() == report["verdicts"].keys():
            answers = {case: answer.split(":")[0] for case, answer in verdicts.items()}
            assert answers == {case: answer.split(":")[0] for case, answer in report["verdicts"].items()}, path
        for case, rate in report["rates"].items():
            rates[case] = max(rate, rates.get(case, 0))
    return verifiers


def speed(cases, verifiers, kind):
    names = [case["name"] for case in cases if case["set"] == "real" and case["fmt"] == kind]
    bare = max(rates.get(BARE, 0) for _, rates in verifiers.values())
    verifiers = {peer: report for peer, report in verifiers.items() if any(name in report[1] for name in names)}
    shared = [name for name in names if all(name in rates for _, rates in verifiers.values())]
    if not shared:
        print(f"\nNo real {kind} registrations.")
        return
    # Registrations a second when each of them comes equally often.
    means = {peer: statistics.harmonic_mean([rates[name] for name in shared]) for peer, (_, rates) in verifiers.items()}
    best = max(mean for peer, mean in means.items() if not peer.startswith("keywright"))
    print(f"\n{kind}: {len(shared)} real registrations that all of these take; bare P-256 verification {bare:.0f}/s")
    print(f"| {'verifier':34} | {'a second':>8} | {'to the best peer':>16} | {'to bare P-256':>13} |")
    print(f"|{'-' * 36}|{'-' * 9}:|{'-' * 17}:|{'-' * 14}:|")
    for peer, mean in means.items():
        print(f"| {peer:34} | {mean:8.0f} | {mean / best:16.2f} | {mean / bare:13.2f} |")


def is_wrong(case, verdicts):
    answer = verdicts.get(case["name"], "no answer").split(":")[0]
    return case["expected"] != "either" and answer != case["expected"]


def main(folder):
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    verifiers = best_rounds(folder)
    for kind in ("packed", "fido-u2f"):
        speed(cases, verifiers, kind)

    once = {peer: verdicts for peer, (verdicts, _) in verifiers.items() if "threads" not in peer and "nothing" not in peer}
    print("\nWrong answers")
    print(f"| {'verifier':34} | {'real':>12} | {'vectors':>12} |")
    print(f"|{'-' * 36}|{'-' * 13}:|{'-' * 13}:|")
    for peer, verdicts in once.items():
        counts = []
        for kind in ("real", "vector"):
            judged = [case for case in cases if case["set"] == kind and case["expected"] != "either"]
            counts.append(f"{sum(is_wrong(case, verdicts) for case in judged)} of {len(judged)}")
        print(f"| {peer:34} | {counts[0]:>12} | {counts[1]:>12} |")

    print("\nWhere they differ: the answer where it is wrong, a dash where it is right")
    print(f"| case | what | right | {' | '.join(once)} |")
    print(f"|{'---|' * (3 + len(once))}")
    for case in cases:
        if any(is_wrong(case, verdicts) for verdicts in once.values()):
            answers = [
                verdicts.get(case["name"], "no answer")[:70] if is_wrong(case, verdicts) else "-"
                for verdicts in once.values()
            ]
            print(f"| {case['name']} | {case['what']} | {case['expected']} | {' | '.join(answers)} |")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
