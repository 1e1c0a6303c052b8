"""Techniques of MITRE ATT&CK for ICS that scenarios may name: id and name as of version 18.1 (2025-11-13).

Version 19 gave five of them other ids: T0803 (now T1691.001), T0804 (T1691.002), T0812 (T1694.001), T0855
(T1692.001), T0856 (T1692.002).
"""

from __future__ import annotations

from typing import Final

TECHNIQUES: Final = {
    "T0803": "Block Command Message",
    "T0804": "Block Reporting Message",
    "T0806": "Brute Force I/O",
    "T0809": "Data Destruction",
    "T0812": "Default Credentials",
    "T0813": "Denial of Control",
    "T0814": "Denial of Service",
    "T0815": "Denial of View",
    "T0816": "Device Restart/Shutdown",
    "T0822": "External Remote Services",
    "T0823": "Graphical User Interface",
    "T0826": "Loss of Availability",
    "T0827": "Loss of Control",
    "T0829": "Loss of View",
    "T0830": "Adversary-in-the-Middle",
    "T0831": "Manipulation of Control",
    "T0832": "Manipulation of View",
    "T0836": "Modify Parameter",
    "T0840": "Network Connection Enumeration",
    "T0842": "Network Sniffing",
    "T0843": "Program Download",
    "T0845": "Program Upload",
    "T0846": "Remote System Discovery",
    "T0847": "Replication Through Removable Media",
    "T0848": "Rogue Master",
    "T0849": "Masquerading",
    "T0855": "Unauthorized Command Message",
    "T0856": "Spoof Reporting Message",
    "T0858": "Change Operating Mode",
    "T0859": "Valid Accounts",
    "T0860": "Wireless Compromise",
    "T0861": "Point & Tag Identification",
    "T0863": "User Execution",
    "T0864": "Transient Cyber Asset",
    "T0866": "Exploitation of Remote Services",
    "T0867": "Lateral Tool Transfer",
    "T0868": "Detect Operating Mode",
    "T0869": "Standard Application Layer Protocol",
    "T0881": "Service Stop",
    "T0882": "Theft of Operational Information",
    "T0883": "Internet Accessible Device",
    "T0884": "Connection Proxy",
    "T0885": "Commonly Used Port",
    "T0886": "Remote Services",
    "T0888": "Remote System Information Discovery",
    "T0889": "Modify Program",
    "T0893": "Data from Local System",
}
