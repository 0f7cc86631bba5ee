package netloop

import "crypto/tls"

// ServerTLS is config as a server of this module uses it, offering protocols by ALPN. config says
// which certificates there are and is not changed.
func ServerTLS(config *tls.Config, protocols ...string) *tls.Config {
	c := config.Clone()
	c.NextProtos = protocols
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	// Whole records from the start: a record is a system call, and bodies are large. Small ones
	// would let a browser show the top of a page sooner.
	c.DynamicRecordSizingDisabled = true
	return c
}
