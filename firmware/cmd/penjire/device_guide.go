package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// verdict is what came of one step of a test.
type verdict int

// The verdicts. What nobody confirmed is not well.
const (
	passed      verdict = 1
	failed      verdict = 2
	unconfirmed verdict = 3
)

// guide leads a technician through the test of one device.
type guide struct {
	lines <-chan string // typed; closed when there are no more
	out   io.Writer
	wait  time.Duration // for a person to do something

	count map[verdict]int
}

// newGuide reads answers from in for as long as the process lives.
func newGuide(in io.Reader, out io.Writer, wait time.Duration) *guide {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return &guide{lines: lines, out: out, wait: wait, count: map[verdict]int{}}
}

// step notes and prints what came of one step.
func (g *guide) step(v verdict, format string, args ...any) {
	g.count[v]++
	word := map[verdict]string{passed: "ok", failed: "FAILED", unconfirmed: "not confirmed"}[v]
	_, _ = fmt.Fprintf(g.out, "  %-14s %s\n", word, fmt.Sprintf(format, args...))
}

// say tells something that is no step.
func (g *guide) say(format string, args ...any) {
	_, _ = fmt.Fprintf(g.out, "%s\n", fmt.Sprintf(format, args...))
}

// ask asks what only a person can see. No answer confirms nothing.
func (g *guide) ask(ctx context.Context, question string) verdict {
	for range 3 {
		g.say("%s [y/n, or Enter if you cannot tell]", question)
		select {
		case l, ok := <-g.lines:
			switch strings.ToLower(strings.TrimSpace(l)) {
			case "y", "yes":
				return passed
			case "n", "no":
				return failed
			case "":
				return unconfirmed
			}
			if !ok {
				return unconfirmed
			}
		case <-ctx.Done():
			return unconfirmed
		}
	}
	return unconfirmed
}

// await asks a person to do something and waits until ok says that the device has
// noticed. It gives up when Enter is pressed or the time is over.
func (g *guide) await(ctx context.Context, d device.Device, what, noticed string, ok func() bool) bool {
	g.say("%s (Enter: go on without)", what)
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	go func() {
		select {
		case _, typed := <-g.lines:
			if typed {
				cancel()
			}
		case <-ctx.Done():
		}
	}()
	if until(ctx, d, ok) {
		g.step(passed, "%s", noticed)
		return true
	}
	g.step(unconfirmed, "the device did not say so: %s", noticed)
	return false
}

// look is how often a device that does not say when something changes is asked.
const look = 200 * time.Millisecond

// until returns true when ok does, asked whenever d says that something changed
// and now and then; false when ctx ends before.
func until(ctx context.Context, d device.Device, ok func() bool) bool {
	return untilEvery(ctx, look, d, ok)
}

func untilEvery(ctx context.Context, every time.Duration, d device.Device, ok func() bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var changes <-chan struct{}
	if w, can := d.(device.Watcher); can {
		changes = w.Changes(ctx)
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for !ok() {
		select {
		case <-changes:
		case <-t.C:
		case <-ctx.Done():
			return ok()
		}
	}
	return true
}

// end prints the sum and returns the exit status.
func (g *guide) end() int {
	g.say("%d steps ok, %d failed, %d not confirmed", g.count[passed], g.count[failed], g.count[unconfirmed])
	switch {
	case g.count[failed] > 0:
		return bad
	case g.count[unconfirmed] > 0 || g.count[passed] == 0:
		g.say("what was not confirmed may work or not: nothing says so")
		return blind
	}
	return good
}
