"""A relying party made of py_webauthn: one registration in JSON on each line of input, one verdict on each line of output.

In: challenge (base64url), origin, rp_id, roots (PEM texts, maybe none), credential (RegistrationResponseJSON).
Out: {"credential_id": base64url} or {"refused": words}. User verification is always required.
"""

import json
import sys

from webauthn import base64url_to_bytes, verify_registration_response
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.structs import AttestationFormat


def judge(question):
    roots = [pem.encode() for pem in question["roots"]]
    registration = verify_registration_response(
        credential=question["credential"],
        expected_challenge=base64url_to_bytes(question["challenge"]),
        expected_origin=question["origin"],
        expected_rp_id=question["rp_id"],
        require_user_verification=True,
        pem_root_certs_bytes_by_fmt={AttestationFormat.PACKED: roots} if roots else None,
    )
    return {"credential_id": bytes_to_base64url(registration.credential_id)}


for line in sys.stdin:
    try:
        answer = judge(json.loads(line))
    except Exception as error:  # whatever it is, this registration is not taken
        answer = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
