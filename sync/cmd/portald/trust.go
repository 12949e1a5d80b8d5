package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/sync/portal"
)

const trustUsage = "usage: portald trust -dir FOLDER [-ledger …] FILE\n"

// trustCommand is portald trust: it publishes a signed trust bundle, beside running
// portals or without them.
func trustCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("portald trust", flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	where := fs.String("ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *dir == "" || fs.NArg() != 1 {
		_, _ = fmt.Fprint(stderr, trustUsage)
		return 2
	}
	if err := trustDo(ctx, *dir, *where, fs.Arg(0), stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	return 0
}

func trustDo(ctx context.Context, dir, where, file string, stdout io.Writer) (err error) {
	signed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l, db, err := openFolder(ctx, dir, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	b, news, err := portal.PutTrust(ctx, db, l.config.Roots, signed, time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if !news {
		_, err = fmt.Fprintf(stdout, "trust bundle %d was published already\n", b.Version)
		return err
	}
	_, err = fmt.Fprintf(stdout, "trust bundle %d of %s is published: running portals take it within seconds, kiosks as they are connected\n",
		b.Version, b.Issued.Format(time.RFC3339))
	return err
}
