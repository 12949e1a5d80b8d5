package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
)

// journalCheckFile checks an outbox that nobody has open.
func journalCheckFile(ctx context.Context, path string, asJSON bool, stdout, stderr io.Writer) int {
	c := checked{Answer: "valid"}
	err := outbox.CheckFile(ctx, path)
	if err == nil {
		var last int64
		err = outbox.ReadJournal(ctx, path, func(_ outbox.Epoch, own bool, index int64, e journal.Entry) error {
			if !own {
				return nil
			}
			c.Entries++
			if e.Kind == journal.Beacon {
				if e.Fields.To < last {
					return fmt.Errorf("entry %d: the portal's time goes back: %w", index, outbox.ErrDamaged)
				}
				last = e.Fields.To
			}
			return nil
		})
	}
	switch {
	case err == nil:
		return c.print(stdout, asJSON, good)
	case errors.Is(err, outbox.ErrDamaged):
		c.Answer, c.Detail = "invalid", err.Error()
		return c.print(stdout, asJSON, bad)
	case errors.Is(err, outbox.ErrLocked):
		_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: the kiosk runs; ask it with penjire journal prove, or stop penjired\n", err)
	default:
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
	}
	return blind
}

// listed is an entry as journal ls --json prints it, one a line.
type listed struct {
	Epoch  string    `json:"epoch"`
	Index  int64     `json:"index"`
	At     time.Time `json:"at"`
	Boot   string    `json:"boot,omitempty"`
	Kind   string    `json:"kind"`
	Doc    string    `json:"doc,omitempty"`
	Seq    uint64    `json:"seq,omitempty"`
	Digest string    `json:"digest,omitempty"`
	Reason string    `json:"reason,omitempty"`
	To     int64     `json:"to_ms,omitempty"`
}

func journalList(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire journal ls", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print JSON, one entry a line")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 1 {
		_, _ = fmt.Fprint(stderr, journalHelp)
		return usage
	}
	err := outbox.ReadJournal(ctx, fs.Arg(0), func(epoch outbox.Epoch, _ bool, index int64, e journal.Entry) error {
		l := listed{
			Epoch: hex.EncodeToString(epoch[:]), Index: index, At: e.At, Boot: e.Boot, Kind: e.Kind.String(), Doc: hex.EncodeToString(e.Fields.Doc),
			Seq: e.Fields.Seq, Digest: hex.EncodeToString(e.Fields.Digest), Reason: e.Fields.Reason, To: e.Fields.To,
		}
		if *asJSON {
			return json.NewEncoder(stdout).Encode(l)
		}
		more := []string{}
		if l.Doc != "" {
			more = append(more, l.Doc[:16])
		}
		if l.Seq != 0 {
			more = append(more, fmt.Sprint("seq ", l.Seq))
		}
		if l.Reason != "" {
			more = append(more, l.Reason)
		}
		if l.To != 0 {
			more = append(more, "to "+time.UnixMilli(l.To).UTC().Format(time.RFC3339))
		}
		_, err := fmt.Fprintf(stdout, "%s %6d %s %-10s %s\n", l.Epoch[:8], index, e.At.Format(time.RFC3339), l.Kind, strings.Join(more, ", "))
		return err
	})
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	return good
}
