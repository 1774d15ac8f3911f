# SPDX-License-Identifier: GPL-2.0-only
"""usage: read_nova.py NOVA.CONF

Reads a configuration as nova does, and asserts that a ConnectX VF is offered and can be asked for
as a device that can be migrated.
"""

import sys

import nova.conf
from nova.pci import request, whitelist

VF = {"vendor_id": "15b3", "product_id": "101e", "address": "0000:41:00.2",
      "parent_addr": "0000:41:00.0", "capabilities": {}}

CONF = nova.conf.CONF
CONF(["--config-file", sys.argv[1]], project="nova")

spec = whitelist.Whitelist(CONF.pci.device_spec).device_assignable(VF)
tags = spec.get_tags()
assert tags["live_migratable"] == "true", tags
assert tags["managed"] == "false", tags

aliases = request._get_alias_from_config()
for name, (_, specs) in aliases.items():
    for wanted in specs:
        assert wanted["live_migratable"] == "true", (name, wanted)
        assert wanted["vendor_id"] == VF["vendor_id"], (name, wanted)
        assert wanted["product_id"] == VF["product_id"], (name, wanted)
assert aliases, "no alias"
