// Package session owns what every server of ours does on one connection, whatever moves its
// bytes: heads in, bodies decoded, answers framed.
//
// It owns no socket and no clock.
package session
