"""A noisy neighbour: asks keys for getInfo, one after the other, without a pause, until it is killed.

Arguments: nodes. It takes no lock. Each answer is a line on standard output; what fails is told on standard error, and it goes on.
"""

import sys

from fido2.ctap2 import Ctap2
from fido2.hid import open_device

while True:
    for node in sys.argv[1:]:
        try:
            ctap = Ctap2(open_device(node))
            for _ in range(5):
                ctap.get_info()
                print(node, flush=True)
        except Exception as error:  # noqa: BLE001 a neighbour does not care
            print(node, repr(error), file=sys.stderr, flush=True)
