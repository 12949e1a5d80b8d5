package firmata

import (
	"sync"

	"github.com/penjire/penjire/drivers/link"
)

// One board carries the lines of several devices, and its port can be opened once.
var (
	sharing sync.Mutex
	shared  = map[string]*sharedBoard{} // by the port's name
)

type sharedBoard struct {
	*Board
	users int
}

// Lease is a board that is shared: a source for one device.
type Lease struct {
	*Board
	once sync.Once
	err  error
}

// Share returns the board on port, which is opened for the first and halted with
// the last of those who share it. The options are the first one's.
func Share(port link.Port, o Opts) (*Lease, error) {
	sharing.Lock()
	defer sharing.Unlock()
	name := port.String()
	s := shared[name]
	if s == nil {
		b, err := New(port, o)
		if err != nil {
			return nil, err
		}
		s = &sharedBoard{Board: b}
		shared[name] = s
	}
	s.users++
	return &Lease{Board: s.Board}, nil
}

// Close gives the lease back. It may be called twice.
func (l *Lease) Close() error {
	l.once.Do(func() {
		sharing.Lock()
		defer sharing.Unlock()
		name := l.port.String()
		s := shared[name]
		if s.users--; s.users == 0 {
			delete(shared, name)
			l.err = s.Halt()
		}
	})
	return l.err
}
