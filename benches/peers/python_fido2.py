"""python-fido2 as a peer: Fido2Server.register_complete with an attestation verifier, MDS for real registrations."""

import base64
import json
import sys
from importlib.metadata import version

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import load_der_x509_certificate
from fido2.attestation import AttestationVerifier
from fido2.mds3 import MdsAttestationVerifier, parse_blob
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity

from bench import Bench, run


class Pinned(AttestationVerifier):
    """Trusts these roots: gives the verifier the one that issued the last certificate."""

    def __init__(self, roots):
        super().__init__()
        self.roots = [(load_der_x509_certificate(root), root) for root in roots]

    def ca_lookup(self, attestation_result, auth_data):
        if not attestation_result.trust_path:
            return None
        last = load_der_x509_certificate(attestation_result.trust_path[-1])
        for root, der in self.roots:
            try:
                last.verify_directly_issued_by(root)
                return der
            except (InvalidSignature, ValueError):
                pass
        return None


class PythonFido2(Bench):
    peer = f"python-fido2 {version('fido2')}"

    def __init__(self, mds):
        self.mds = None
        if mds:
            # Its own root: GlobalSign R3, from beside the BLOB.
            with open(mds, "rb") as blob, open(mds.rsplit("/", 1)[0] + "/globalsign_root_r3.pem") as root:
                pem = "".join(line for line in root.read().splitlines() if "-----" not in line)
                self.mds = MdsAttestationVerifier(parse_blob(blob.read().strip(), base64.b64decode(pem)))

    def prepare(self, case):
        roots = [base64.b64decode(root) for root in case["roots"]]
        verifier = self.mds if case["set"] == "real" else Pinned(roots)
        server = Fido2Server(
            PublicKeyCredentialRpEntity(name="Example", id=case["rp_id"]),
            attestation="direct",
            verify_origin=lambda origin: origin == case["origin"],
            verify_attestation=verifier,
        )
        state = {"challenge": case["challenge"], "user_verification": None}
        text = json.dumps(case["response"])
        return lambda: server.register_complete(state, json.loads(text))


if __name__ == "__main__":
    run(PythonFido2, *sys.argv[1:])
