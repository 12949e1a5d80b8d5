package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/outbox"
)

const queueHelp = `usage: penjire queue ls [--state STATE] [--json]
       penjire queue show [--json] NUMBER|DOCUMENT|CODE
       penjire queue receipt [--level durable|decided] [--out FILE] NUMBER|DOCUMENT|CODE
       penjire queue check [--json]
       penjire queue salvage [--json]
       penjire queue backup FILE
       penjire queue restore --from FILE|FOLDER [--from ...] [--json]
       penjire queue mirror [--json]
       penjire queue dismiss ALARM
       penjire queue export|import ...    the same as penjire export and penjire import
each with [--settings FILE], for the kiosk that it belongs to
`

// queue is one call of penjire queue. It asks the kiosk that runs; where none
// does it looks at the folder itself, which only one process at a time may have.
type queue struct {
	s              settings.Settings
	asJSON         bool
	stdout, stderr io.Writer
}

type fromFlags []string

func (f *fromFlags) String() string     { return strings.Join(*f, " ") }
func (f *fromFlags) Set(s string) error { *f = append(*f, s); return nil }

func queueCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	wrong := func() int {
		_, _ = fmt.Fprint(stderr, queueHelp)
		return usage
	}
	if len(args) == 0 {
		return wrong()
	}
	if args[0] == "export" || args[0] == "import" {
		return stickCommand(ctx, args[0], args[1:], stdout, stderr)
	}
	q := &queue{stdout: stdout, stderr: stderr}
	fs := flag.NewFlagSet("penjire queue "+args[0], flag.ContinueOnError)
	file := fs.String("settings", "/etc/penjire/settings.json", "the kiosk's settings `file`")
	fs.BoolVar(&q.asJSON, "json", false, "print JSON")
	state := fs.String("state", "", "only requests in this `state`")
	level := fs.String("level", "", "durable or decided: which of the portal's `receipts`; default the last")
	out := fs.String("out", "", "write the receipt to `file`; default standard output")
	var from fromFlags
	fs.Var(&from, "from", "a backup `file`, a mirror's folder, or a file of an outbox")
	if st, done := parseFlags(fs, args[1:], stderr); done {
		return st
	}
	var err error
	if q.s, err = settings.Load(*file); err != nil {
		return q.fail(usage, err, "--settings names the kiosk's settings")
	}
	one := func(do func(context.Context, string) int) int {
		if fs.NArg() != 1 {
			return wrong()
		}
		return do(ctx, fs.Arg(0))
	}
	none := func(do func(context.Context) int) int {
		if fs.NArg() != 0 {
			return wrong()
		}
		return do(ctx)
	}
	switch args[0] {
	case "ls":
		return none(func(ctx context.Context) int { return q.list(ctx, *state) })
	case "show":
		return one(q.show)
	case "receipt":
		if !slices.Contains([]string{"", "durable", "decided"}, *level) {
			return wrong()
		}
		return one(func(ctx context.Context, what string) int { return q.receipt(ctx, what, *level, *out) })
	case "check":
		return none(q.check)
	case "salvage":
		return none(q.salvage)
	case "backup":
		return one(q.backup)
	case "restore":
		if len(from) == 0 {
			return wrong()
		}
		return none(func(ctx context.Context) int { return q.restore(ctx, from) })
	case "mirror":
		return none(q.mirror)
	case "dismiss":
		return one(q.dismiss)
	}
	return wrong()
}

func (q *queue) fail(status int, err error, hint string) int {
	_, _ = fmt.Fprintf(q.stderr, "penjire: %v\n", err)
	if hint != "" {
		_, _ = fmt.Fprintf(q.stderr, "hint: %s\n", hint)
	}
	return status
}

func (q *queue) print(v any, text string) {
	if q.asJSON {
		_ = json.NewEncoder(q.stdout).Encode(v) // of plain values it does not fail
		return
	}
	_, _ = fmt.Fprintln(q.stdout, text)
}

func (q *queue) dir() string  { return filepath.Join(q.s.State, "outbox") }
func (q *queue) file() string { return filepath.Join(q.dir(), "outbox.db") }

func (q *queue) options() outbox.Options {
	return outbox.Options{Kiosk: q.s.Kiosk, Version: "penjire", MaxSize: q.s.OutboxMax}
}

// errStopped: no kiosk answers.
var errStopped = errors.New("no kiosk answers")

// ask asks the running kiosk and hands its answer to read.
func (q *queue) ask(ctx context.Context, method, path string, read func(io.Reader) error) error {
	c := clientAt(q.s.Control)
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, "http://kiosk"+path, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%w: %w", errStopped, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		err := errors.New(strings.TrimSpace(string(b)))
		if res.StatusCode == http.StatusConflict {
			return fmt.Errorf("%w: %w", outbox.ErrDamaged, err)
		}
		return err
	}
	return read(res.Body)
}

// each hands every request to fn.
func (q *queue) each(ctx context.Context, fn func(kiosk.QueueEntry) error) error {
	err := q.ask(ctx, http.MethodGet, "/queue", func(r io.Reader) error {
		d := json.NewDecoder(r)
		for {
			var e kiosk.QueueEntry
			if err := d.Decode(&e); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("read the kiosk's answer: %w", err)
			}
			if err := fn(e); err != nil {
				return err
			}
		}
	})
	if errors.Is(err, errStopped) {
		return outbox.ReadRequests(ctx, q.file(), func(r outbox.Request) error { return fn(kiosk.NewQueueEntry(r)) })
	}
	return err
}

func (q *queue) list(ctx context.Context, state string) int {
	err := q.each(ctx, func(e kiosk.QueueEntry) error {
		if state == "" || e.State == state {
			q.print(e, fmt.Sprintf("%s %6d %s %-10s %-24s %s", e.Epoch[:8], e.Seq, e.Claimed.Format(time.RFC3339), e.State, e.Service, e.Doc[:16]))
		}
		return nil
	})
	if err != nil {
		return q.unread(err)
	}
	return good
}

// unread says why the queue cannot be looked at.
func (q *queue) unread(err error) int {
	switch {
	case errors.Is(err, outbox.ErrDamaged):
		return q.fail(bad, err, "penjire queue salvage carries over what can be found; nothing is deleted")
	case errors.Is(err, outbox.ErrLocked):
		return q.fail(blind, err, "a kiosk has it open and does not answer: stop penjired")
	}
	return q.fail(blind, err, "is penjired running, and may you read "+q.s.Control+" and "+q.dir()+"?")
}

func (q *queue) show(ctx context.Context, what string) int {
	found, fits := 0, match(what)
	err := q.each(ctx, func(e kiosk.QueueEntry) error {
		if !fits(e) {
			return nil
		}
		found++
		lines := []string{fmt.Sprintf("request    %d of epoch %s\ndocument   %s\nservice    %s, lane %d\nbytes      %d\njournal    entry %d\nreceipt    %s, %d papers\nportal     durable %t, decided %t",
			e.Seq, e.Epoch, e.Doc, e.Service, e.Lane, e.Bytes, e.Index, e.Print, e.Copies, e.Durable, e.Decided)}
		for _, s := range e.Steps {
			lines = append(lines, fmt.Sprintf("state      %s since %s", s.State, s.At.Format(time.RFC3339)))
		}
		q.print(e, strings.Join(lines, "\n"))
		return nil
	})
	if err != nil {
		return q.unread(err)
	}
	if found == 0 {
		return q.fail(bad, fmt.Errorf("there is no request %s", what), "a number, or eight letters or more of the document; penjire queue ls lists them")
	}
	return good
}

func (q *queue) check(ctx context.Context) int {
	err := q.ask(ctx, http.MethodPost, "/queue/check", func(io.Reader) error { return nil })
	if errors.Is(err, errStopped) {
		err = outbox.CheckFile(ctx, q.file())
	}
	if err != nil {
		return q.unread(err)
	}
	q.print(map[string]bool{"whole": true}, "the outbox is whole")
	return good
}

// salvage opens and closes the outbox: what is broken is set aside and carried
// over by that.
func (q *queue) salvage(ctx context.Context) int {
	o := q.options()
	o.Mirror, o.MirrorWait = q.s.Mirror, -1
	box, err := outbox.Open(ctx, q.dir(), o)
	if err != nil {
		return q.unread(err)
	}
	st := box.Stats(ctx)
	if err := box.Close(); err != nil {
		return q.unread(err)
	}
	q.print(map[string]any{"unsent": st.Unsent, "alarms": append([]string{}, st.Alarms...)},
		fmt.Sprintf("%d requests wait for the portal's receipt; alarms %v", st.Unsent, st.Alarms))
	return good
}
