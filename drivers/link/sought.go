package link

import (
	"context"
	"fmt"
)

// Sought is a port that is looked for each time it is opened, because its device
// file has another name after each replug.
type Sought struct {
	Name string // for people
	// Seek returns the port as it is now. When nothing is plugged in, the error
	// wraps [device.ErrUnplugged].
	Seek func() (Port, error)
}

// Open implements Port.
func (s Sought) Open(ctx context.Context) (Line, error) {
	p, err := s.Seek()
	if err != nil {
		return nil, fmt.Errorf("link: open %s: %w", s.Name, err)
	}
	return p.Open(ctx)
}

// String implements Port.
func (s Sought) String() string { return s.Name }

func (Sought) announced() {}
