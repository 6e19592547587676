"""py_webauthn as a peer: verify_registration_response with the case's anchors as pinned roots."""

import base64
import json
import sys
from importlib.metadata import version

from webauthn import verify_registration_response
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import AttestationFormat

from bench import Bench, run


def pem(root):
    lines = "\n".join(root[at : at + 64] for at in range(0, len(root), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n".encode()


class PyWebauthn(Bench):
    peer = f"py_webauthn {version('webauthn')}"

    def __init__(self, mds):
        pass

    def prepare(self, case):
        # Without roots it takes any chain, so a model without anchors gets one that fits nobody.
        roots = [pem(root) for root in case["roots"]] or [pem(self.nobodys_root)]
        by_format = {name: roots for name in (AttestationFormat.PACKED, AttestationFormat.FIDO_U2F)}
        text, challenge = json.dumps(case["response"]), base64url_to_bytes(case["challenge"])
        return lambda: verify_registration_response(
            credential=text,
            expected_challenge=challenge,
            expected_rp_id=case["rp_id"],
            expected_origin=case["origin"],
            pem_root_certs_bytes_by_fmt=by_format,
        )


if __name__ == "__main__":
    run(PyWebauthn, *sys.argv[1:])
