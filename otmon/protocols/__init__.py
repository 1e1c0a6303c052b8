"""Which protocol a payload belongs to, and what its messages say: one file for each protocol.

Takes the payloads and EtherTypes that `otmon.decode` found. Gives a protocol's code (its place in
`registry.IDS`, counted from 1) and who of the two is the client, as far as the message tells.

- `protocol.py` is the contract: a file holds one `PROTOCOL`, whose id is the file's name, with its
  usual ports and EtherTypes, the signatures that recognise it on any port, and the standards in
  which each of these facts stands.
- `registry.py` finds the files, without a list kept by hand.
- `modbus_pdu.py` and `modbus_framing.py` are the other halves of one protocol: what its messages say, and how
  they lie in a stream.
- `signature.py` lays all signatures out as tables and holds a payload against them.

Promises: a port alone never names a protocol; random bytes are named less than once in 10,000; no
payload makes recognition raise or read beyond its end, or take long. Files never import each other.
"""
