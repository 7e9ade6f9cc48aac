"""SMB shares: smbprotocol behind the protocol of `drivers.share`."""
