"""Verifies what `keywright ledger prove EVENT` wrote, with Python alone: python3 verify_proof.py PROOF [CHECKPOINT].

It says which event was in the ledger of the checkpoint (the one in the proof, or one that you kept). Whether the checkpoint is
signed by whom you trust is another question: any tool for signed notes (C2SP) answers it.
"""
import base64, hashlib, sys

sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
proof, note = open(sys.argv[1], encoding="utf-8").read().split("\n\n", 1)
if len(sys.argv) > 2:
    note = open(sys.argv[2], encoding="utf-8").read()
_, extra, index, *path = proof.split("\n")
_, size, root = note.split("\n")[:3]
event, n, last = base64.b64decode(extra.split(" ")[1]), int(index.split(" ")[1]), int(size) - 1
assert n <= last, "there is no such event yet"
node = sha(b"\0", sha(event))  # a leaf is the chain's hash of the event: SHA-256 of the hash before it and its text
for sibling in map(base64.b64decode, path):  # RFC 9162, 2.1.3.2
    assert last > 0, "the proof is too long"
    if n % 2 or n == last:
        node = sha(b"\1", sibling, node)
        while n and n % 2 == 0:
            n, last = n >> 1, last >> 1
    else:
        node = sha(b"\1", node, sibling)
    n, last = n >> 1, last >> 1
assert last == 0 and node == base64.b64decode(root), "the event is not in this ledger"
print(event[32:].decode("utf-8"))
