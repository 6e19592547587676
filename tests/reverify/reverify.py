#!/usr/bin/env python3
"""Verifies a folder of evidence (keywright ledger export) with none of keywright's code.

    reverify.py [--head SEQ:HASH] [--root CERTIFICATE.pem]... [--without-roots] FOLDER

Sums, the chain of events and their head need Python alone. Registrations and proofs are verified by py_webauthn, each held
against the challenge, origin and RP ID that the identity provider asked for, as the events tell it. What a credential's file
says must be what the events say. Registrations that their profile wants trusted have to lead to one of the roots.

Each file has to be of the account, number and key that the events bind it to, which are proved to be in the log's Merkle tree.

Every fault is told. What is in files whose sums or chain do not hold is not looked at. Exit status 0 without a fault, else 1.
"""

import argparse
import base64
import functools
import hashlib
import hmac
import json
import pathlib
import re
import sys

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.structs import AttestationFormat

# Demands of a profile that want the certificates to lead to a root.
TRUSTED = ("trusted", "enterprise")
# What was never registered need not be right; it was refused, or undone.
REGISTERED = ("registered", "unconfirmed", "revoked")

faults = []


def fault(what, why):
    faults.append(f"{what}: {why}")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_sums(folder):
    """Every file has its sum, and every sum its file."""
    sums = {}
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        sums[name] = digest
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    for name in sorted(files ^ sums.keys()):
        fault(name, "is in SHA256SUMS and not in the folder" if name in sums else "is not in SHA256SUMS")
    for name in sorted(files & sums.keys()):
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums[name]:
            fault(name, "does not have its sum")
    return len(files)


TOKEN = re.compile("personal:([0-9]+):([0-9a-f]{64})")


def read_persons(folder):
    """The texts about people by their tokens, and the numbers of persons that were erased."""
    texts, erased = {}, set()
    with open(folder / "persons.jsonl", encoding="utf-8", newline="\n") as lines:
        for person in map(json.loads, lines):
            if person["salt"] is None:
                erased.add(str(person["person"]))
            for text in person["texts"]:
                code = hmac.new(bytes.fromhex(person["salt"]), text.encode("utf-8"), hashlib.sha256).hexdigest()
                texts[f"personal:{person['person']}:{code}"] = text
    return texts, erased


def with_texts(value, texts, erased):
    """The same with the texts in the place of their tokens."""
    if isinstance(value, dict):
        return {name: with_texts(member, texts, erased) for name, member in value.items()}
    if isinstance(value, list):
        return [with_texts(member, texts, erased) for member in value]
    if not isinstance(value, str):
        return value
    token = TOKEN.fullmatch(value)
    if token is None:
        return value.removeprefix("as-it-is:")
    if value not in texts and token[1] not in erased:
        fault(value, "has no text, and was not erased")
    return texts.get(value, f"erased-{token[2][:16]}")


def read_events(folder, kept):
    """The events, as far as each fits the one before it, and their hashes; then the head, and one that was kept elsewhere."""
    texts, erased = read_persons(folder)
    events, leaves, heads, before = [], [], ["0:" + bytes(32).hex()], bytes(32)
    with open(folder / "events.jsonl", encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            entry = json.loads(line)
            text = "\n".join([str(entry["seq"]), entry["time"], entry["body"]])
            before = hashlib.sha256(before + text.encode("utf-8")).digest()
            if entry["seq"] != number or entry["hash"] != before.hex():
                fault(f"event {number}", "is not as it was written")
                break
            heads.append(f"{number}:{before.hex()}")
            leaves.append(before)
            event = json.loads(entry["body"])
            events.append(with_texts(event, texts, erased) if event.get("texts") == "committed" else event)
    if (folder / "HEAD").read_text(encoding="ascii") != heads[-1] + "\n":
        fault("HEAD", "is not the end of the events")
    if kept is not None and kept not in heads:
        fault(kept, "is not in the chain: events were lost or written anew")
    return events, tuple(leaves)


class Told:
    """What the events tell of one credential."""

    def __init__(self, made, asked, demand, bound):
        self.made, self.asked, self.demand, self.bound = made, asked, demand, bound
        self.verdict = self.proof = self.registered = self.by_hand = None


def credentials_told(events):
    """By credential id. The outcomes of a job belong to the credential that it made last."""
    demands, accounts, asked, making, told, bound = {}, {}, {}, {}, {}, {}
    for seq, event in enumerate(events, 1):
        if event["event"] == "account-planned":
            demands[json.dumps(event["account"])] = event["profile"]["keys"]["attestation"]
        if event["event"] == "job-planned":
            accounts[event["job"]] = json.dumps(event["account"])
            bound[event["job"]] = {"account": event["account"], "ordinal": event["ordinal"], "job-planned": seq}
        if event["event"] == "credential-revoked" and event["credential_id"] in told:
            told[event["credential_id"]].registered = "revoked"
        if event["event"] == "key-drilled" and event["proved"]:
            drilled, observed = told[event["credential_id"]], event.get("observed") or {}
            drilled.by_hand = observed.get("by_hand") or drilled.by_hand
            if drilled.by_hand and drilled.registered == "unconfirmed":
                drilled.registered = "registered"
        if event["event"] != "step-done":
            continue
        job, outcome = event["job"], event["outcome"]
        match outcome["step"]:
            case "inspect":
                bound[job] |= {"key": outcome["key"], "inspect": seq}
            case "begin":
                asked[job] = outcome["ceremony"]
            case "make":
                making[job] = outcome["credential_id"]
                told[making[job]] = Told(outcome, asked[job], demands[accounts[job]], bound[job] | {"job": job, "make": seq})
            case "verify":
                told[making[job]].verdict = outcome["verdict"]
            case "prove":
                told[making[job]].proof = outcome
                told[making[job]].bound["prove"] = seq
            case "complete":
                told[making[job]].registered = "registered"
            case "complete-by-hand":
                told[making[job]].registered = "unconfirmed"
    return told


def same(what, found, wanted):
    if found != wanted:
        fault(what, f"is {found!r} in its file and {wanted!r} in the events")


def spelled_today(verdict):
    """Logs of keywright 0.1.0 have not_checked where an export has not-checked."""
    return {
        member: value.replace("_", "-") if member in ("chain", "firmware_source") and value else value
        for member, value in (verdict or {}).items()
    } or None


def check_file(name, file, told):
    """The file of a credential says what the events say."""
    same(f"{name} ctap_response", file["ctap_response"], told.made.get("ctap_response"))
    same(f"{name} attestation_object", file["attestation_object"], told.made["attestation_object"])
    same(f"{name} client_data_json", file["client_data_json"], told.made["client_data_json"])
    same(f"{name} credential_public_key", file["credential_public_key"], told.made["public_key"])
    same(f"{name} rp_id", file["rp_id"], told.made["rp_id"])
    if told.registered is not None:
        same(f"{name} verdict", file["verdict"], spelled_today(told.verdict))
        same(f"{name} state", file["state"], told.registered)
        same(f"{name} policy attestation", file["policy"]["attestation"], told.demand)
        same(f"{name} challenge", file["challenge"], told.asked["options"]["challenge"])
        same(f"{name} origin", file["origin"], told.asked["origin"])
        proof = file["assertion"] or {}
        for member in ["authenticator_data", "client_data_json", "signature"]:
            same(f"{name} assertion {member}", proof.get(member), told.proof and told.proof[member])


def node(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def check_binding(name, file, told, tree):
    """The file is of the account and the key that the events bind its credential to, and these are in the log's tree."""
    for member in ["account", "ordinal", "key", "job"]:
        same(f"{name} {member}", file[member], told.bound.get(member))
    same(f"{name} tree", file["tree"], {"size": len(tree), "root": root_of(tree).hex()})
    for part in file["inclusion"]:
        same(f"{name} {part['event']}", part["seq"], told.bound.get(part["event"]))
        if not is_included(tree, part["seq"], [bytes.fromhex(sibling) for sibling in part["path"]]):
            fault(f"{name} {part['event']}", "is not shown to be in the tree")
    missing = {"job-planned", "make"} - {part["event"] for part in file["inclusion"]}
    if missing:
        fault(f"{name} inclusion", f"has no proof of {sorted(missing)}")


@functools.cache
def root_of(leaves):
    """Merkle Tree Hash (RFC 6962, 2.1)."""
    level = [node(b"\0", leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [node(b"\1", *level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else hashlib.sha256().digest()


def is_included(leaves, seq, path):
    """RFC 9162, 2.1.3.2."""
    if not 1 <= seq <= len(leaves):
        return False
    at, last, root = seq - 1, len(leaves) - 1, node(b"\0", leaves[seq - 1])
    for sibling in path:
        if last == 0:
            return False
        if at % 2 or at == last:
            root = node(b"\1", sibling, root)
            while at and at % 2 == 0:
                at, last = at // 2, last // 2
        else:
            root = node(b"\1", root, sibling)
        at, last = at // 2, last // 2
    return last == 0 and root == root_of(leaves)


def check_accounts(folder, told):
    """accounts.json gives each account the credentials that the events give it."""
    in_file = {json.dumps(one["account"]): sorted(one["credentials"]) for one in json.loads((folder / "accounts.json").read_text("utf-8"))}
    of_events = {account: [] for account in in_file}
    for credential_id, one in told.items():
        of_events.setdefault(json.dumps(one.bound["account"]), []).append(credential_id)
    for account, credentials in of_events.items():
        same(f"account {account} credentials", in_file.get(account), sorted(credentials))


def verify_registration(name, file, told, roots):
    """WebAuthn 7.1, the attestation statement with it. Gives the public key that was verified."""
    made, asked = told.made, told.asked
    rooted = roots if told.demand in TRUSTED else []
    try:
        verified = verify_registration_response(
            credential={
                "id": file["id"],
                "rawId": file["id"],
                "type": "public-key",
                "response": {
                    "clientDataJSON": made["client_data_json"],
                    "attestationObject": made["attestation_object"],
                },
            },
            expected_challenge=decode(asked["options"]["challenge"]),
            expected_rp_id=asked["options"]["rp"]["id"],
            expected_origin=asked["origin"],
            require_user_verification=True,
            pem_root_certs_bytes_by_fmt={
                AttestationFormat.PACKED: rooted,
                AttestationFormat.FIDO_U2F: rooted,
            },
        )
    except Exception as error:  # whatever py_webauthn or what is below it has against it
        fault(f"{name} registration", error)
        return None
    statement = parse_attestation_object(decode(made["attestation_object"])).att_stmt
    if rooted and not statement.x5c:
        fault(f"{name} registration", "has no certificate, and its profile wants one that leads to a root")
    if verified.credential_id != decode(file["id"]):
        fault(f"{name} registration", "is for another credential")
    if verified.credential_public_key != decode(made["public_key"]):
        fault(f"{name} registration", "has another public key than the events")
    if verified.aaguid != told.verdict["aaguid"] and verified.fmt != AttestationFormat.FIDO_U2F:
        fault(f"{name} registration", f"is of model {verified.aaguid}, and the verdict is on {told.verdict['aaguid']}")
    return verified.credential_public_key


def verifies(what, credential_id, proof, rp_id, origin, public_key):
    """WebAuthn 7.2. The challenge was drawn by keywright: it is in the client data, and nowhere else. Whether it verifies."""
    try:
        challenge = decode(json.loads(decode(proof["client_data_json"]))["challenge"])
        verify_authentication_response(
            credential={
                "id": credential_id,
                "rawId": credential_id,
                "type": "public-key",
                "response": {
                    "clientDataJSON": proof["client_data_json"],
                    "authenticatorData": proof["authenticator_data"],
                    "signature": proof["signature"],
                },
            },
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        fault(what, error)
        return False
    return True


def verify_proof(name, file, told, public_key):
    """The signature that the credential gave before it was registered."""
    if told.proof is None:
        fault(f"{name} proof", "there is none")
        return False
    rp_id, origin = told.asked["options"]["rp"]["id"], told.asked["origin"]
    return verifies(f"{name} proof", file["id"], told.proof, rp_id, origin, public_key)


def verify_by_hand(name, file, told):
    """The credential that a browser made, as the key lists it: its signature. Whether there is one that verifies."""
    found = (told.by_hand or {}).get("found")
    in_file = file["by_hand"] or {}
    same(f"{name} by_hand said_by", in_file.get("said_by"), told.by_hand and told.by_hand["said_by"])
    same(f"{name} by_hand id", in_file.get("id"), found and found["credential_id"])
    same(f"{name} by_hand credential_public_key", in_file.get("credential_public_key"), found and found["public_key"])
    if found is None:
        return False
    rp_id, key = found["rp_id"], decode(found["public_key"])
    return verifies(f"{name} by_hand", found["credential_id"], found["signature"], rp_id, f"https://{rp_id}", key)


def check_credentials(folder, told, tree, roots):
    """Every credential's file. Gives how many there are, and how many registrations and proofs verify."""
    seen = registrations = proofs = 0
    for path in sorted((folder / "credentials").glob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        name, seen = f"credential {file['id']}", seen + 1
        if file["id"] not in told:
            fault(name, "no event tells of it")
            continue
        of_events = told[file["id"]]
        check_file(name, file, of_events)
        check_binding(name, file, of_events, tree)
        if of_events.registered in REGISTERED:
            public_key = verify_registration(name, file, of_events, roots)
            if public_key is not None:
                registrations += 1
                proofs += verify_proof(name, file, of_events, public_key)
            proofs += verify_by_hand(name, file, of_events)
    if seen != len(told):
        fault("credentials", f"there are {seen} files, and the events tell of {len(told)}")
    check_accounts(folder, told)
    return seen, registrations, proofs


def main():
    arguments = argparse.ArgumentParser(description="Verifies a folder of evidence with none of keywright's code.")
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--head", help="a head (SEQ:HASH) that was kept elsewhere")
    arguments.add_argument("--root", type=pathlib.Path, action="append", default=[], help="a root certificate, PEM (repeatable)")
    arguments.add_argument("--without-roots", action="store_true", help="do not ask where certificates lead")
    given = arguments.parse_args()
    if bool(given.root) == given.without_roots:
        arguments.error("name the makers' roots with --root, or say --without-roots")
    roots = [path.read_bytes() for path in given.root]

    files = check_sums(given.folder)
    events, tree = ([], ()) if faults else read_events(given.folder, given.head)
    seen = registrations = proofs = 0
    if not faults:
        seen, registrations, proofs = check_credentials(given.folder, credentials_told(events), tree, roots)

    for line in faults:
        print(f"FAULT {line}", file=sys.stderr)
    rooted = "roots not asked for" if given.without_roots else f"against {len(roots)} root{'s' * (len(roots) != 1)}"
    print(
        f"{files} files, {len(events)} events, {seen} credentials; "
        f"{registrations} registrations verified ({rooted}), {proofs} proofs; {len(faults)} faults"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
