package virtual

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Console is what a machine says on its first serial port, line by line.
type Console struct {
	start time.Time

	mu    sync.Mutex
	lines []Line
	ended bool
	more  chan struct{} // closed when there is more
}

// Line is one line of a console.
type Line struct {
	At   time.Duration // after power-on
	Text string
}

// Event is what a program of ours says on the console: «penjire: name key=value…».
type Event struct {
	At     time.Duration // after power-on
	Name   string
	Values map[string]string
	Rest   string // all after the name
}

// escapes is what programs say to terminals and not to people.
var escapes = regexp.MustCompile(`\x1b(\[[0-9;?]*[a-zA-Z!]|[()][A-B0]|[c=>78]|\][^\a]*\a)|[\r\x00]`)

func newConsole() *Console { return &Console{start: time.Now(), more: make(chan struct{})} }

// read takes in lines until r ends, and copies everything to log.
func (c *Console) read(r io.Reader, log io.Writer) {
	in := bufio.NewReader(io.TeeReader(r, log))
	for {
		s, err := in.ReadString('\n')
		if s = strings.TrimRight(escapes.ReplaceAllString(s, ""), "\n"); s != "" {
			c.add(Line{time.Since(c.start), s})
		}
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ended = true
			close(c.more)
			return
		}
	}
}

func (c *Console) add(l Line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, l)
	close(c.more)
	c.more = make(chan struct{})
}

// Mark returns how many lines there are: what is said after now comes after it.
func (c *Console) Mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lines)
}

// Await returns the first line after mark that is as want says, and the mark after
// it. It waits for the line until ctx ends or the console does.
func (c *Console) Await(ctx context.Context, mark int, want func(Line) bool) (Line, int, error) {
	for {
		c.mu.Lock()
		lines, ended, more := c.lines, c.ended, c.more
		c.mu.Unlock()
		for ; mark < len(lines); mark++ {
			if want(lines[mark]) {
				return lines[mark], mark + 1, nil
			}
		}
		if ended {
			return Line{}, mark, fmt.Errorf("the machine is off and did not say it; its last lines:\n%s", tail(lines))
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Line{}, mark, fmt.Errorf("the machine did not say it: %w; its last lines:\n%s", context.Cause(ctx), tail(lines))
		}
	}
}

// AwaitEvent is Await for the first event of one of these names.
func (c *Console) AwaitEvent(ctx context.Context, mark int, names ...string) (Event, int, error) {
	var e Event
	_, mark, err := c.Await(ctx, mark, func(l Line) bool {
		var ok bool
		e, ok = ParseEvent(l)
		if !ok {
			return false
		}
		return slices.Contains(names, e.Name)
	})
	if err != nil {
		return Event{}, mark, fmt.Errorf("wait for «penjire: %s»: %w", strings.Join(names, "» or «"), err)
	}
	return e, mark, nil
}

// ParseEvent reads an event, wherever in the line a logger put it.
func ParseEvent(l Line) (Event, bool) {
	_, said, ok := strings.Cut(l.Text, "penjire: ")
	if !ok {
		return Event{}, false
	}
	e := Event{At: l.At, Values: map[string]string{}}
	e.Name, e.Rest, _ = strings.Cut(said, " ")
	for w := range strings.FieldsSeq(e.Rest) {
		if k, v, ok := strings.Cut(w, "="); ok {
			e.Values[k] = v
		}
	}
	return e, true
}

// Lines returns all lines after mark.
func (c *Console) Lines(mark int) []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Line(nil), c.lines[min(mark, len(c.lines)):]...)
}

// tail is what one wants to read when something went wrong.
func tail(lines []Line) string {
	const enough = 40
	var b strings.Builder
	for _, l := range lines[max(0, len(lines)-enough):] {
		_, _ = fmt.Fprintf(&b, "%7.2f s  %s\n", l.At.Seconds(), l.Text)
	}
	return b.String()
}
