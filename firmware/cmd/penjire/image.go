package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/penjire/penjire/firmware/flash"
)

const imageHelp = `usage: penjire image inspect [--quick] [--roots FILE] [--json] IMAGE|DEVICE
`

func imageCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] != "inspect" {
		_, _ = fmt.Fprint(stderr, imageHelp)
		return usage
	}
	fs := flag.NewFlagSet("penjire image inspect", flag.ContinueOnError)
	roots := rootsFlag(fs)
	quick := fs.Bool("quick", false, "do not read all of it")
	asJSON := fs.Bool("json", false, "print JSON")
	if st, done := parseFlags(fs, args[1:], stderr); done {
		return st
	}
	if fs.NArg() != 1 {
		_, _ = fmt.Fprint(stderr, imageHelp)
		return usage
	}
	fail := func(status int, err error, hint string) int {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		if hint != "" {
			_, _ = fmt.Fprintf(stderr, "hint: %s\n", hint)
		}
		return status
	}
	// Without roots the signature is told to be of nobody who is known.
	known, err := readRoots(*roots)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail(usage, err, "--roots names a file with certificates")
	}
	p := &progress{w: stderr, began: time.Now(), terminal: terminal(stderr)}
	in, err := flash.Inspect(ctx, fs.Arg(0), known, *quick, func(done, all int64) {
		if p.terminal {
			p.show("reading", done, all)
		}
	})
	p.end()
	switch {
	case errors.Is(err, os.ErrPermission):
		return fail(blind, err, "only root may read devices: sudo penjire image inspect …")
	case errors.Is(err, flash.ErrCorrupt):
		return fail(bad, err, "fetch the image again")
	case err != nil:
		return fail(blind, err, "")
	}
	if *asJSON {
		b, err := json.MarshalIndent(in, "", "\t")
		if err != nil {
			return fail(blind, err, "")
		}
		_, _ = fmt.Fprintf(stdout, "%s\n", b)
	} else {
		showInspection(in, stdout)
	}
	if in.Table == "" || in.Release == nil || in.Signature != "good" || in.Image && !*quick && !in.Whole {
		return bad
	}
	return good
}

func showInspection(in *flash.Inspection, w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	if in.Table == "" {
		line("table", "none that a kiosk starts from: it is empty, half written or of something else")
	} else {
		line("table", "%s", in.Table)
	}
	if r := in.Release; r != nil {
		line("written", "version %s for board %s, of %s, data format %d", r.Version, r.Board, r.Build.Format(time.DateOnly), r.DataFormat)
		if r.Developer {
			line("", "a developer's image, which is not for service")
		}
		line("signed by", "%s", in.Signer)
	} else if in.Table != "" {
		line("written", "it is not known of what: there is no manifest")
	}
	if in.Signature != "" {
		line("signature", "%s", in.Signature)
	}
	for _, s := range in.Slots {
		what := string(s.State)
		if s.Release != nil {
			what = fmt.Sprintf("version %s, %s", s.Release.Version, s.State)
		}
		line("slot "+s.Name, "%s", what)
		for _, tree := range s.Trees {
			line("", "%s, overlays: %s", tree.Name, cmp.Or(strings.Join(tree.Overlays, " "), "none"))
		}
		if s.Wrong != "" {
			line("", "its device trees cannot be read: %s", s.Wrong)
		}
	}
	for _, p := range in.Parts {
		what := string(p.State)
		if p.Zero && p.State == flash.Released {
			what += ": empty"
		}
		line(p.Name, "%d MiB at %d MiB, %s", p.Size>>20, p.Start>>20, what)
	}
	if in.Table != "" || in.Release != nil {
		line("set-up file", "%s", in.Setup)
		d := in.Data
		what := d.State
		if d.Bytes > 0 {
			what += fmt.Sprintf(", %d MiB", d.Bytes>>20)
		}
		if d.Grown {
			what += ", grown by a first boot"
		}
		if !d.Written.IsZero() {
			what += ", last written " + d.Written.Format(time.RFC3339)
		}
		line("data", "%s", what)
	}
	switch {
	case in.Whole:
		line("whole", "yes: every byte is as released")
	case in.Image && len(in.Parts) > 0 && in.Parts[0].State != flash.Unread:
		line("whole", "NO: the image is damaged; fetch it again")
	}
	_ = t.Flush() // to a terminal or a file of the caller's
}
