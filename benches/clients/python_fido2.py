"""The comparison's client in Python: python-fido2. Does a step for each line on standard input, and answers each with what it
took: nanoseconds by the clock, nanoseconds of processor."""

import os
import sys
from time import monotonic_ns

from fido2.ctap2 import Ctap2
from fido2.ctap2.credman import CredentialManagement
from fido2.ctap2.pin import ClientPin
from fido2.hid import list_descriptors, open_device

PIN = "k7mw4xrt"
RP_ID = "example.org"
CLIENT_DATA_HASH = bytes([7] * 32)


class Client:
    def __init__(self, node):
        self.node = node

    def find(self):
        if self.node not in [found.path for found in list_descriptors()]:
            raise SystemExit("python-fido2: the key is not there")

    def open(self):
        self.ctap = Ctap2(open_device(self.node))
        self.pin = ClientPin(self.ctap)

    def set_pin(self):
        self.pin.set_pin(PIN)

    def make_credential(self):
        token = self.pin.get_pin_token(PIN, ClientPin.PERMISSION.MAKE_CREDENTIAL, RP_ID)
        made = self.ctap.make_credential(
            CLIENT_DATA_HASH,
            {"id": RP_ID, "name": "Example"},
            {"id": bytes([7] * 32), "name": "ada@example.org", "displayName": "Ada Lovelace"},
            [{"type": "public-key", "alg": -7}],
            options={"rk": True},
            pin_uv_param=self.pin.protocol.authenticate(token, CLIENT_DATA_HASH),
            pin_uv_protocol=self.pin.protocol.VERSION,
        )
        self.credential_id = made.auth_data.credential_data.credential_id

    def get_assertion(self):
        token = self.pin.get_pin_token(PIN, ClientPin.PERMISSION.GET_ASSERTION, RP_ID)
        self.ctap.get_assertion(
            RP_ID,
            CLIENT_DATA_HASH,
            [{"type": "public-key", "id": self.credential_id}],
            pin_uv_param=self.pin.protocol.authenticate(token, CLIENT_DATA_HASH),
            pin_uv_protocol=self.pin.protocol.VERSION,
        )

    def list_credentials(self):
        token = self.pin.get_pin_token(PIN, ClientPin.PERMISSION.CREDENTIAL_MGMT)
        management = CredentialManagement(self.ctap, self.pin.protocol, token)
        rps = management.enumerate_rps()
        hashes = [rp[CredentialManagement.RESULT.RP_ID_HASH] for rp in rps]
        if len([found for rp in hashes for found in management.enumerate_creds(rp)]) != 1:
            raise SystemExit("python-fido2: another number of credentials than was made")


def processor():
    """What the kernel has counted of this process, which has one thread. Yielding has it count up to now."""
    os.sched_yield()
    with open("/proc/self/schedstat", "rb") as file:
        return int(file.read().split()[0])


client = Client(sys.argv[1])
for line in sys.stdin:
    step = getattr(client, line.strip().replace("-", "_"))
    processor_before, before = processor(), monotonic_ns()
    step()
    took = monotonic_ns() - before
    print("took", took, processor() - processor_before, flush=True)
