package update

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// A kiosk whose disk is full says so once, not at each look.
func TestTroubleIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	u := &Updater{c: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	full, broken := errors.New("no space left"), errors.New("input/output error")
	for _, step := range []struct {
		err  error
		want int // lines so far
	}{{full, 1}, {full, 1}, {broken, 2}, {full, 3}, {nil, 3}, {full, 4}} {
		u.trouble("update", step.err)
		if got := strings.Count(log.String(), "\n"); got != step.want {
			t.Errorf("after %v: %d lines, want %d:\n%s", step.err, got, step.want, log.String())
		}
	}
	if u.trouble("the journal", full); strings.Count(log.String(), "\n") != 5 {
		t.Errorf("another thing's trouble is not said:\n%s", log.String())
	}
}
