package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/recording"
	"github.com/penjire/penjire/drivers/registry"
)

// warning is said before every recording.
const warning = `What goes over the line is written down: what is on a card, what is printed, what a code says.
Use specimens only, and delete the file if a real card or paper was used. Nobody but you may read it.
`

func deviceRecord(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire device record", flag.ContinueOnError)
	var f deviceFlags
	f.add(fs)
	end := fs.Duration("for", 0, "end after that `time`; 0: when Enter is pressed")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 2 {
		_, _ = fmt.Fprint(stderr, deviceHelp)
		return usage
	}
	d, i, st := f.one(ctx, fs.Arg(0), stderr)
	if st != good {
		return st
	}
	w := d.wants[i]
	about := fmt.Sprintf("%s: driver %s on %s, %s", w.Name, w.Driver, w.Port, time.Now().UTC().Format(time.RFC3339))
	file, err := recording.Create(fs.Arg(1), about)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return bad
	}
	_, _ = fmt.Fprint(stdout, warning)
	r, seen := d.open(i, func(p link.Port) link.Port { return file.Port(p) })
	status := recordUntil(ctx, r, seen, *end, stdin, stdout, stderr)
	if err := registry.Halt([]registry.Result{r}); err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		status = bad
	}
	if err := file.Close(); err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: the recording is not whole: %v\n", err)
		return bad
	}
	_, _ = fmt.Fprintf(stdout, "%d exchanges are in %s\n", file.Count(), fs.Arg(1))
	if status == good && file.Count() == 0 {
		return bad
	}
	return status
}

// recordUntil waits until the recording is to end.
func recordUntil(ctx context.Context, r registry.Result, seen *witness, end time.Duration, stdin io.Reader, stdout, stderr io.Writer) int {
	if r.State != registry.Loaded {
		_, _ = fmt.Fprintf(stderr, "penjire: %s is %v: %s\n", r.Want.Name, r.State, r.Why())
		return bad
	}
	if seen == nil {
		_, _ = fmt.Fprintf(stderr, "penjire: driver %s does not speak over a line that could be recorded\n", r.Want.Driver)
		return blind
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if end > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, end)
		defer cancel()
	}
	_, _ = fmt.Fprintf(stdout, "%v is recorded; press Enter to end\n", r.Device)
	g := newGuide(stdin, stdout, 0)
	used := until(ctx, r.Device, func() bool {
		select {
		case _, typed := <-g.lines:
			if !typed {
				g.lines = nil // nobody types: the time or a signal ends it
			}
			return typed
		default:
			return seen.inUse()
		}
	})
	if used && seen.inUse() {
		_, _ = fmt.Fprintf(stderr, "penjire: the port is in use by another program\nhint: fuser %s names it\n", r.Want.Port)
		return blind
	}
	return good
}
