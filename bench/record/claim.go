package record

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"syscall"
)

// ErrLive is wrapped where a session has a writer already.
var ErrLive = errors.New("still running")

// errID is wrapped where a folder would bear the name of what is no ID of a session.
var errID = errors.New("no ID of a session")

// Claim makes its holder the only writer of a session. The kernel gives it back when the process
// ends, however that comes about.
type Claim struct{ folder *os.File }

// Claim makes the folder of a session and locks it. It does not wait: where another process, or
// another Claim of this one, holds it, the error wraps ErrLive. An ID has letters, digits and
// hyphens, so that one from a file that somebody else wrote leads nowhere else.
func (x *Index) Claim(session string) (*Claim, error) {
	if ok, _ := regexp.MatchString(`^[A-Za-z0-9][A-Za-z0-9-]*$`, session); !ok {
		return nil, fmt.Errorf("%q: %w", session, errID)
	}
	path := x.Raw(session)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLive
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("session %s: %w", session, err), folder.Close())
	}
	return &Claim{folder}, nil
}

// Release gives the session back.
func (c *Claim) Release() error { return c.folder.Close() }
