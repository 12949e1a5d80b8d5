package linktest

import (
	"context"

	"github.com/penjire/penjire/drivers/link"
)

// Tapped is a port whose lines are recorded.
type Tapped struct {
	link.Port
	line *Recorder
}

// Tap returns p with a recorder in each line that is opened.
func Tap(p link.Port) *Tapped { return &Tapped{Port: p} }

// Open implements link.Port.
func (t *Tapped) Open(ctx context.Context) (link.Line, error) {
	l, err := t.Port.Open(ctx)
	if err != nil {
		return nil, err
	}
	t.line = Record(l)
	return t.line, nil
}

// Written returns all that was written to the line that was opened last, which is
// closed.
func (t *Tapped) Written() (b []byte) {
	for _, io := range t.line.Exchanges() {
		b = append(b, io.W...)
	}
	return b
}
