package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/firmware/kiosk"
)

// serviceWords say what became of a service ticket.
var serviceWords = map[string]string{
	kiosk.ServiceNone:    "there is no service ticket in the folder",
	kiosk.ServiceSupport: "a support bundle is in the folder",
	kiosk.ServiceVerbose: "the kiosk logs more; it ends by itself",
	kiosk.ServiceLeave:   "the kiosk is out of service for ever; its proof is in the folder",
}

// serviceCommand has the running kiosk do what the service ticket in a folder allows.
func serviceCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire service", flag.ContinueOnError)
	from := controlFlags(fs)
	anywhere := fs.Bool("any-folder", false, "also a folder on the kiosk's own disk")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 1 {
		_, _ = fmt.Fprintf(stderr, "usage: penjire service [--settings FILE] [--socket PATH] [--any-folder] FOLDER\n")
		return usage
	}
	folder, err := filepath.Abs(fs.Arg(0))
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return usage
	}
	at, ok := from.where(stderr)
	if !ok {
		return usage
	}
	q := url.Values{"folder": {folder}}
	if *anywhere {
		q.Set("anywhere", "1")
	}
	var last kiosk.StickLine
	err = postLines(ctx, at, "/service?"+q.Encode(), func(b []byte) error { return json.Unmarshal(b, &last) })
	switch {
	case errors.Is(err, errNoKiosk):
		return noKiosk(stderr, at, err)
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "penjire: ask the kiosk for service: %v\n", err)
		return bad
	case last.Step != "done":
		_, _ = fmt.Fprintf(stderr, "penjire: nothing was done: %s\n", last.Error)
		return bad
	}
	_, _ = fmt.Fprintln(stdout, serviceWords[last.Service])
	if last.Service == kiosk.ServiceNone {
		return bad
	}
	return good
}

// supportCommand writes a support bundle of the running kiosk into a file.
func supportCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire support", flag.ContinueOnError)
	from := controlFlags(fs)
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 1 {
		_, _ = fmt.Fprintf(stderr, "usage: penjire support [--settings FILE] [--socket PATH] FILE.zip\n")
		return usage
	}
	at, ok := from.where(stderr)
	if !ok {
		return usage
	}
	b, err := askUpTo(ctx, http.MethodGet, at, "/support", supportTime, 64<<20)
	if err != nil {
		return noKiosk(stderr, at, err)
	}
	f, err := os.OpenFile(fs.Arg(0), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(b)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: write the support bundle: %v\n", err)
		return bad
	}
	_, _ = fmt.Fprintf(stdout, "%s, %d bytes. Read it before you send it: it is a zip file, and about.txt says what is in it.\n", fs.Arg(0), len(b))
	return good
}
