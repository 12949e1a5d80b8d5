package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/firmware/flash"
)

// progress shows how far a medium is. On a terminal it is one line that changes;
// elsewhere a line for each tenth.
type progress struct {
	w        io.Writer
	terminal bool

	began, shown time.Time
	phase        flash.Phase
	tenth        int64
	open         bool // a line is not ended
}

// terminal says whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

func (p *progress) show(phase flash.Phase, done, all int64) {
	now := time.Now()
	if phase != p.phase {
		p.end()
		p.phase, p.began, p.shown, p.tenth = phase, now, time.Time{}, -1
	}
	tenth := done * 10 / max(all, 1)
	if p.terminal && now.Sub(p.shown) < time.Second/4 && done < all || !p.terminal && tenth == p.tenth {
		return
	}
	p.shown, p.tenth = now, tenth
	line := fmt.Sprintf("%s: %3d %%", phase, done*100/max(all, 1))
	if took := now.Sub(p.began); took > time.Second && done > 0 && done < all {
		left := time.Duration(float64(took) * float64(all-done) / float64(done))
		line += fmt.Sprintf(", %.1f MB/s, %s left", float64(done)/1e6/took.Seconds(), left.Round(time.Second))
	}
	if p.terminal {
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.open = true
		return
	}
	_, _ = fmt.Fprintln(p.w, line)
}

// end ends a line that is open.
func (p *progress) end() {
	if p.open {
		_, _ = fmt.Fprintln(p.w)
		p.open = false
	}
}
