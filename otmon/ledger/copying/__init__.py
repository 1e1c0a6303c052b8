"""Which messages are copied for Python to read, chosen in kernels. What is copied is bounded, for each second
and for each flow, and what is beyond that is counted.

- `messages`: payloads that may hold a log-in, and what a device says of itself, by `identification` in
  connections that go on for months; whom clients ask for by TLS, `server_names`, once an hour; `questions` to
  name servers.
- `commands` to controllers, message by message: `command_messages` tells what one does, `cip_messages` for
  EtherNet/IP, `station_messages` for IEC 104, DNP3 and BACnet. `writes` have a budget of their own.
"""
