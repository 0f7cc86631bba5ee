//go:build amd64 || arm64

package readiness

// event is unix.Kevent_t without a pointer: see poller_kqueue.go.
type event struct {
	ident  uint64
	filter int16
	flags  uint16
	fflags uint32
	data   int64
	udata  uint64
}
