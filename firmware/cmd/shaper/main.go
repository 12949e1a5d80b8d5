// Command shaper runs two commands at the two ends of a bad network, as root on
// Linux:
//
//	shaper [-rate BIT/S] [-delay D] [-jitter D] [-loss SHARE] [-twice SHARE]
//	       [-cut-every D] [-cut-most D] [-seed N] FAR NEAR
//
// Both are given to /bin/sh, each in a network namespace of its own; each finds
// the addresses in $NEAR and $FAR. The shape is that of each way. When NEAR has
// ended, what still runs is killed, and what crossed the link is printed as one
// line of JSON on standard error: {"up":{…},"down":{…}}, packets and bytes of IP.
//
// Exit status: that of NEAR; 1 no link can be made here; 2 wrong use.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/penjire/penjire/firmware/demo/shaper"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("shaper", flag.ContinueOnError)
	f.SetOutput(stderr)
	var s shaper.Shape
	f.Int64Var(&s.Rate, "rate", 64_000, "bits per second; 0: no limit")
	f.DurationVar(&s.Delay, "delay", 300*time.Millisecond, "each way")
	f.DurationVar(&s.Jitter, "jitter", 0, "at most, on top")
	f.Float64Var(&s.Loss, "loss", 0.03, "`share` of packets that are lost")
	f.Float64Var(&s.Duplicate, "twice", 0, "`share` of packets that come twice")
	every := f.Duration("cut-every", 0, "cut the link about once in this time; 0: never")
	most := f.Duration("cut-most", 10*time.Second, "longest cut")
	seed := f.Uint64("seed", 1, "of losses and cuts")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if f.NArg() != 2 {
		_, _ = fmt.Fprintf(stderr, "shaper: got %d commands, want FAR and NEAR\n", f.NArg())
		return 2
	}
	c := shaper.Config{Up: s, Down: s, Seed: *seed}
	if *every > 0 {
		c.Cuts = shaper.Cuts(*seed, 24*time.Hour, *every, *most)
	}
	code, err := both(c, f.Arg(0), f.Arg(1), stdout, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return code
}

// together is a writer for several commands at once. It hides what w could read
// by itself: a bytes.Buffer would be read into by both.
type together struct {
	mu *sync.Mutex
	w  io.Writer
}

// shared returns a writer for both; a file is one already, and a program that
// inherits it is waited for no longer than it runs.
func shared(mu *sync.Mutex, w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		return f
	}
	return together{mu, w}
}

// Write implements io.Writer.
func (t together) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(b)
}

// both runs the commands and returns the exit status of near.
func both(c shaper.Config, far, near string, stdout, stderr io.Writer) (code int, err error) {
	l, err := shaper.New(c)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	var mu sync.Mutex // both commands write, each in its own time
	stdout, stderr = shared(&mu, stdout), shared(&mu, stderr)
	at := func(s *shaper.Side, script string) (*exec.Cmd, error) {
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.Env = append(os.Environ(), "NEAR="+l.Near().Addr().String(), "FAR="+l.Far().Addr().String())
		cmd.Stdout, cmd.Stderr = stdout, stderr
		return cmd, s.Start(cmd)
	}
	if _, err := at(l.Far(), far); err != nil {
		return 0, err
	}
	cmd, err := at(l.Near(), near)
	if err != nil {
		return 0, err
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		return 0, fmt.Errorf("shaper: %w", err)
	}
	up, down := l.Counts()
	if err := json.NewEncoder(stderr).Encode(map[string]shaper.Count{"up": up, "down": down}); err != nil {
		return 0, fmt.Errorf("shaper: say what crossed the link: %w", err)
	}
	return cmd.ProcessState.ExitCode(), nil
}
