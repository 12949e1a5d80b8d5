package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/archive"
)

// openArchive opens what portal.json in dir names of an archive. The portal may
// be running: nothing is written. Where the keys that open envelopes are not at
// hand, it says so and goes on.
func openArchive(ctx context.Context, dir, where string, stderr io.Writer) (*archive.Archive, error) {
	f, err := portal.ReadFile(dir)
	if err != nil {
		return nil, err
	}
	in := inFolder(dir)
	a := &archive.Archive{Now: time.Now()}
	if a.Roots, err = keyfile.Certificates(in(f.Roots)); err != nil {
		return nil, err
	}
	if a.Identities, err = readAge(in(f.Age)); err != nil {
		_, _ = fmt.Fprintf(stderr, "portald: envelopes cannot be opened: %v\n", err)
	}
	if a.Ledger, err = openExisting(ctx, ledgerPath(dir, cmp.Or(where, f.Ledger))); err != nil {
		return nil, err
	}
	return a, nil
}

// checkCommand is portald check.
func checkCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("portald check", flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	where := fs.String("ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
	days := fs.Int("days", 90, "time stamps whose certificate ends within so many `days` are named")
	asJSON := fs.Bool("json", false, "print JSON: one line for each trouble, then one for the summary")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *dir == "" || fs.NArg() > 0 || *days < 1 {
		_, _ = fmt.Fprintln(stderr, "portald: check needs -dir and takes nothing after the flags")
		return 2
	}
	a, err := openArchive(ctx, *dir, *where, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	defer func() { _ = a.Ledger.Close() }() // it was only read
	a.Renew = time.Duration(*days) * 24 * time.Hour
	out := json.NewEncoder(stdout)
	sum, err := a.Check(ctx, func(t archive.Trouble) {
		if *asJSON {
			_ = out.Encode(t) // a reader that went away is told by the summary
			return
		}
		_, _ = fmt.Fprintf(stdout, "%s: %s: %s: %s\n", t.Kind, t.What, t.Code, t.Note)
	})
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "portald: the check did not come to its end after %d records and %d documents: %v\n", sum.Records, sum.Documents, err)
		return 1
	}
	if *asJSON {
		err = out.Encode(sum)
	} else {
		err = printSummary(stdout, sum)
	}
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	case !sum.Good():
		return 1
	case sum.Troubles[archive.Changed]+sum.Troubles[archive.Renew] > 0:
		return 3
	}
	return 0
}

func printSummary(w io.Writer, s archive.Summary) error {
	lines := []string{
		fmt.Sprintf("checked %d records, %d documents, %d answers, %d seals in %.1f s, with trust bundle %d", s.Records, s.Documents, s.Answers, s.Seals, s.Seconds, s.Trust),
		fmt.Sprintf("unreadable %d, damaged %d, changed %d, to renew %d",
			s.Troubles[archive.Unreadable], s.Troubles[archive.Damaged], s.Troubles[archive.Changed], s.Troubles[archive.Renew]),
	}
	if s.NoBundleThen > 0 {
		lines = append(lines, fmt.Sprintf("%d were registered before trust bundles were kept, and judged by the one of now alone", s.NoBundleThen))
	}
	if s.NoOriginal > 0 {
		lines = append(lines, fmt.Sprintf("%d have the form in which they were received in their envelope only: keep the portal's old age keys", s.NoOriginal))
	}
	if !s.NextRenewal.IsZero() {
		lines = append(lines, "the first certificate of a time stamp ends on "+s.NextRenewal.Format(time.DateOnly))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, l); err != nil {
			return err
		}
	}
	return nil
}

// exportCommand is portald export.
func exportCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("portald export", flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	where := fs.String("ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
	all := fs.Bool("all", false, "every registered document")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	rest := fs.Args()
	if *dir == "" || *all && len(rest) != 1 || !*all && len(rest) < 2 {
		_, _ = fmt.Fprintln(stderr, "portald: export needs -dir, then -all or codes or ids, then the folder to write to")
		return 2
	}
	a, err := openArchive(ctx, *dir, *where, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	defer func() { _ = a.Ledger.Close() }() // it was only read
	to := rest[len(rest)-1]
	var e archive.Exported
	if *all {
		e, err = a.ExportAll(ctx, to)
	} else {
		var docs []ledger.Doc
		for _, name := range rest[:len(rest)-1] {
			found, ferr := find(ctx, a.Ledger, name)
			if ferr != nil {
				_, _ = fmt.Fprintln(stderr, "portald:", ferr)
				return 1
			}
			docs = append(docs, found...)
		}
		e, err = a.ExportDocs(ctx, to, docs...)
	}
	for _, m := range e.Missing {
		_, _ = fmt.Fprintln(stderr, "portald: not exported:", m)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "%d documents in %d files, and %s\n", e.Documents, e.Files, archive.IndexName)
	if len(e.Missing) > 0 {
		return 1
	}
	return 0
}

// find returns the documents of a tracking code, or the one of an id.
func find(ctx context.Context, l ledger.Ledger, name string) ([]ledger.Doc, error) {
	if b, err := hex.DecodeString(name); err == nil && len(b) == len(ledger.Doc{}) {
		return []ledger.Doc{ledger.Doc(b)}, nil
	}
	code, err := edoc.ParseCode(name)
	if err != nil {
		return nil, errors.New("what to export is a tracking code or a document's id of 64 hexadecimal digits")
	}
	found, err := l.ByCode(ctx, code)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("no document has that code")
	}
	var docs []ledger.Doc
	for _, q := range found {
		docs = append(docs, q.Doc)
	}
	return docs, nil
}
