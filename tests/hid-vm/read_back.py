"""Reads keys back with python-fido2: what is asked comes as JSON on standard input, what the keys say goes out as JSON.

In:  [{"node": "/dev/hidraw0" or "pcsc:READER", "pin": "...", "rp_id": "localhost"}, ...]
Out: [{"node", "serial", "firmware", "aaguid", "pin_set", "min_pin_length", "force_pin_change", "always_uv", "pin_retries",
       "credentials": [{"rp_id_hash", "id", "user_id", "user_name", "cred_protect"}],
       "assertion": {"credential", "user_verified"}}, ...]
"""

import hashlib
import json
import sys

from fido2.ctap2 import Ctap2
from fido2.ctap2.credman import CredentialManagement
from fido2.ctap2.pin import ClientPin
from fido2.cose import CoseKey
from fido2.hid import open_device

CARD = "pcsc:"


def connect(node):
    """A key on USB, or the card in a reader."""
    if not node.startswith(CARD):
        return open_device(node)
    from fido2.pcsc import CtapPcscDevice
    (device,) = CtapPcscDevice.list_devices(node.removeprefix(CARD))
    return device


def read(asked):
    device = connect(asked["node"])
    ctap = Ctap2(device)
    info = ctap.info
    pin = ClientPin(ctap)
    retries, _ = pin.get_pin_retries()
    token = pin.get_pin_token(asked["pin"], ClientPin.PERMISSION.CREDENTIAL_MGMT)
    management = CredentialManagement(ctap, pin.protocol, token)
    result = CredentialManagement.RESULT
    credentials, keys = [], {}
    if management.get_metadata()[result.EXISTING_CRED_COUNT]:
        for rp in management.enumerate_rps():
            for found in management.enumerate_creds(rp[result.RP_ID_HASH]):
                identifier = found[result.CREDENTIAL_ID]["id"]
                keys[identifier] = CoseKey.parse(found[result.PUBLIC_KEY])
                credentials.append({
                    "rp_id_hash": rp[result.RP_ID_HASH].hex(),
                    "id": identifier.hex(),
                    "user_id": found[result.USER]["id"].hex(),
                    "user_name": found[result.USER].get("name"),
                    "cred_protect": found.get(result.CRED_PROTECT),
                })
    token = pin.get_pin_token(asked["pin"], ClientPin.PERMISSION.GET_ASSERTION, asked["rp_id"])
    client_data_hash = hashlib.sha256(b"keywright, read back").digest()
    assertion = ctap.get_assertion(
        asked["rp_id"], client_data_hash, pin_uv_param=pin.protocol.authenticate(token, client_data_hash),
        pin_uv_protocol=pin.protocol.VERSION,
    )
    assertion.verify(client_data_hash, keys[assertion.credential["id"]])
    return {
        "node": asked["node"],
        "serial": getattr(device, "descriptor", None) and device.descriptor.serial_number or None,
        "firmware": info.firmware_version or None,
        "aaguid": str(info.aaguid),
        "pin_set": info.options.get("clientPin"),
        "min_pin_length": info.min_pin_length,
        "force_pin_change": info.force_pin_change,
        "always_uv": info.options.get("alwaysUv"),
        "pin_retries": retries,
        "credentials": credentials,
        "assertion": {
            "credential": assertion.credential["id"].hex(),
            "user_verified": bool(assertion.auth_data.is_user_verified()),
        },
    }


json.dump([read(asked) for asked in json.load(sys.stdin)], sys.stdout)
