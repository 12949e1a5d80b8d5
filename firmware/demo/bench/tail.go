package bench

import (
	"bytes"
	"io"
	"sync"
)

// tail keeps the last lines of what is written to it and passes everything on.
type tail struct {
	to  io.Writer
	max int

	mu    sync.Mutex
	part  []byte // of a line that is not ended
	lines []string
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part = append(t.part, b...)
	for {
		line, rest, ok := bytes.Cut(t.part, []byte("\n"))
		if !ok {
			break
		}
		t.lines = append(t.lines, string(line))
		t.part = append([]byte(nil), rest...)
	}
	if n := len(t.lines) - t.max; n > 0 {
		t.lines = append([]string(nil), t.lines[n:]...)
	}
	return t.to.Write(b)
}

func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string{}, t.lines...)
}
