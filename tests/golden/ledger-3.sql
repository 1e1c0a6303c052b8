CREATE TABLE source (name TEXT NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY (name)) WITHOUT ROWID;
CREATE TABLE damage (source TEXT NOT NULL, kind TEXT NOT NULL, offset INTEGER NOT NULL, count INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (source, kind, offset)) WITHOUT ROWID;
CREATE TABLE asset (mac TEXT NOT NULL, address TEXT NOT NULL, vlan TEXT NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, evidence_time_ns INTEGER NOT NULL, evidence_source TEXT NOT NULL, evidence_packet INTEGER NOT NULL, evidence_offset INTEGER NOT NULL, PRIMARY KEY (mac, address, vlan)) WITHOUT ROWID;
CREATE TABLE conversation (client TEXT NOT NULL, server TEXT NOT NULL, transport TEXT NOT NULL, port INTEGER NOT NULL, protocol TEXT NOT NULL, vlan TEXT NOT NULL, expected TEXT NOT NULL, role TEXT NOT NULL, answered INTEGER NOT NULL, flows INTEGER NOT NULL, packets_to_server INTEGER NOT NULL, packets_to_client INTEGER NOT NULL, bytes_to_server INTEGER NOT NULL, bytes_to_client INTEGER NOT NULL, tunnel TEXT NOT NULL, hours TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, evidence_time_ns INTEGER NOT NULL, evidence_source TEXT NOT NULL, evidence_packet INTEGER NOT NULL, evidence_offset INTEGER NOT NULL, PRIMARY KEY (client, server, transport, port, protocol, vlan)) WITHOUT ROWID;
CREATE TABLE operation (client TEXT NOT NULL, server TEXT NOT NULL, transport TEXT NOT NULL, port INTEGER NOT NULL, protocol TEXT NOT NULL, vlan TEXT NOT NULL, unit INTEGER NOT NULL, function INTEGER NOT NULL, subfunction INTEGER NOT NULL, service TEXT NOT NULL, access TEXT NOT NULL, address INTEGER NOT NULL, count INTEGER NOT NULL, status INTEGER NOT NULL, swept INTEGER NOT NULL, times INTEGER NOT NULL, response_ns_sum INTEGER NOT NULL, response_ns_min INTEGER NOT NULL, response_ns_max INTEGER NOT NULL, answered INTEGER NOT NULL, hours TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, evidence_time_ns INTEGER NOT NULL, evidence_source TEXT NOT NULL, evidence_packet INTEGER NOT NULL, evidence_offset INTEGER NOT NULL, PRIMARY KEY (client, server, transport, port, protocol, vlan, unit, function, subfunction, service, access, address, count, status)) WITHOUT ROWID;
CREATE TABLE written_value (client TEXT NOT NULL, server TEXT NOT NULL, transport TEXT NOT NULL, port INTEGER NOT NULL, protocol TEXT NOT NULL, vlan TEXT NOT NULL, unit INTEGER NOT NULL, "table" TEXT NOT NULL, address INTEGER NOT NULL, words INTEGER NOT NULL, times INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, extremes TEXT NOT NULL, evidence_time_ns INTEGER NOT NULL, evidence_source TEXT NOT NULL, evidence_packet INTEGER NOT NULL, evidence_offset INTEGER NOT NULL, PRIMARY KEY (client, server, transport, port, protocol, vlan, unit, "table", address, words)) WITHOUT ROWID;
CREATE TABLE anomaly (client TEXT NOT NULL, server TEXT NOT NULL, transport TEXT NOT NULL, port INTEGER NOT NULL, protocol TEXT NOT NULL, vlan TEXT NOT NULL, from_client INTEGER NOT NULL, reason TEXT NOT NULL, field TEXT NOT NULL, function INTEGER NOT NULL, value INTEGER NOT NULL, needed INTEGER NOT NULL, times INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, evidence_time_ns INTEGER NOT NULL, evidence_source TEXT NOT NULL, evidence_packet INTEGER NOT NULL, evidence_offset INTEGER NOT NULL, PRIMARY KEY (client, server, transport, port, protocol, vlan, from_client, reason, field, function)) WITHOUT ROWID;
CREATE TABLE counter (source TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (source, name)) WITHOUT ROWID;
CREATE TABLE overflow (kind TEXT NOT NULL PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX asset_address ON asset (address);
CREATE INDEX conversation_server ON conversation (server, protocol, client);
CREATE INDEX operation_server ON operation (server, protocol, access, client);
CREATE INDEX anomaly_server ON anomaly (server, protocol, client);
CREATE VIEW talks AS
  SELECT client, server, protocol, transport, port, vlan,
         packets_to_server + packets_to_client AS packets, bytes_to_server + bytes_to_client AS bytes,
         strftime('%Y-%m-%d %H:%M:%S', first_ns / 1000000000, 'unixepoch') AS first_utc,
         strftime('%Y-%m-%d %H:%M:%S', last_ns / 1000000000, 'unixepoch') AS last_utc
  FROM conversation;
CREATE VIEW changes AS
  SELECT client, server, unit, service, access, address, count, status, times,
         strftime('%Y-%m-%d %H:%M:%S', first_ns / 1000000000, 'unixepoch') AS first_utc,
         evidence_source, evidence_packet
  FROM operation WHERE access IN ('write', 'control', 'program', 'configure');
