"""What happens on the demo capture's day: the routine, and the incidents that the truth file tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    incident: bool
    what: str
    hosts: tuple[str, ...]
    """Names of those who act, then of those who are acted on."""


EVENTS = (
    Event(
        "control",
        False,
        "SCADA reads every controller each half hour; the operator looks at a screen of "
        "the HMI each hour and changes setpoints twice",
        ("scada", "hmi", "plc-mixing", "plc-conveyor", "plc-packing"),
    ),
    Event(
        "history",
        False,
        "the historian reads the measured values each half hour",
        ("historian", "plc-mixing", "plc-conveyor", "plc-packing"),
    ),
    Event(
        "engineering",
        False,
        "the engineering station reads the identity of the controllers and their setpoints in the morning",
        ("ews", "plc-mixing", "plc-conveyor", "plc-packing"),
    ),
    Event(
        "line",
        False,
        "PROFINET between conveyor controller and remote I/O, LLDP of the line; the line's own "
        "switch is mirrored for short times only",
        ("plc-conveyor", "conveyor-io", "line-switch"),
    ),
    Event("services", False, "ARP, names and time", ("dns-ntp",)),
    Event(
        "business", False, "orders and reports: HTTPS to the MES from office, warehouse and SCADA", ("mes",)
    ),
    Event(
        "office-reaches-hmi",
        True,
        "three office PCs open the HMI's web page: nothing separates office and control",
        ("office-pc-21", "office-pc-34", "office-pc-58", "hmi"),
    ),
    Event(
        "office-writes",
        True,
        "an office PC reads a controller's registers, then stops the conveyor and "
        "changes its speed, over Modbus",
        ("office-pc-77", "plc-conveyor"),
    ),
    Event(
        "camera",
        True,
        "an IoT camera that production connected without telling anybody reports to a cloud each hour",
        ("camera", "camera-cloud"),
    ),
    Event(
        "malformed",
        True,
        "a write of two registers whose byte count says 127 (a fault of the HMI's driver)",
        ("hmi", "plc-packing"),
    ),
    Event(
        "phone",
        True,
        "a private phone in the warehouse's wireless network talks with the Internet at noon",
        ("phone", "phone-service"),
    ),
    Event(
        "label-pc",
        True,
        "an old PC for label printing, put on the network for a printer's sake: SMB 1 to the "
        "printer in the office, to the HMI and to the Internet, where it looks for more",
        ("label-pc", "office-printer", "hmi", "smb-stranger", "smb-silent-1", "smb-silent-2"),
    ),
    Event(
        "remote-session",
        True,
        "a remote desktop session from the Internet to the maintenance host and on to "
        "the engineering station, from where the dosing setpoint is written a hundredfold; the operator sees "
        "the value and sets it back",
        ("remote-operator", "maintenance-host", "ews", "plc-mixing"),
    ),
    Event(
        "scan",
        True,
        "an address of no zone looks for controllers and tries their registers and functions",
        ("stranger", "plc-mixing", "plc-conveyor", "plc-packing"),
    ),
    Event(
        "http-on-502",
        True,
        "an inventory tool of the office tries HTTP on port 502 of a controller",
        ("it-inventory", "plc-mixing"),
    ),
)
