package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/flash"
)

const flashHelp = `usage: penjire flash [--json]                  lists the media
       penjire flash [--setup FILE|-] [--roots FILE] [--any-signer] [--yes-i-mean NAME] IMAGE DEVICE
DEVICE is a medium of the list, or a file that is long enough; IMAGE has its manifest beside it
`

// flasher is one call of penjire flash.
type flasher struct {
	roots          []*x509.Certificate
	anySigner      bool
	meant          string
	setup          *enrol.Setup
	in             *bufio.Reader
	stdout, stderr io.Writer
}

func flashCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire flash", flag.ContinueOnError)
	roots := rootsFlag(fs)
	setup := fs.String("setup", "", "the set-up `file` of the kiosk, or - for standard input")
	f := &flasher{in: bufio.NewReader(stdin), stdout: stdout, stderr: stderr}
	fs.BoolVar(&f.anySigner, "any-signer", false, "take an image whose signer is not known here: for developers")
	fs.StringVar(&f.meant, "yes-i-mean", "", "the device's `name`, instead of asking: for scripts")
	asJSON := fs.Bool("json", false, "list the media as JSON")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	switch {
	case fs.NArg() == 0 && *setup == "" && f.meant == "":
		return listMedia(*asJSON, stdout, stderr)
	case fs.NArg() != 2 || *asJSON || *setup == "-" && f.meant == "":
		_, _ = fmt.Fprint(stderr, flashHelp)
		if *setup == "-" {
			_, _ = fmt.Fprintln(stderr, "hint: with --setup - there is nobody to ask, so --yes-i-mean must name the device")
		}
		return usage
	}
	var err error
	if f.roots, err = readRoots(*roots); err != nil && !f.anySigner {
		return f.fail(usage, err, "--roots names a file with the certificates under which images are signed")
	}
	if *setup != "" {
		if f.setup, err = readSetup(*setup, f.in); err != nil {
			return f.fail(usage, err, "the portal makes set-up files; see the runbook flash.md")
		}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return f.flash(ctx, fs.Arg(0), fs.Arg(1))
}

// rootsFlag adds the flag for whom images are believed of.
func rootsFlag(fs *flag.FlagSet) *string {
	return fs.String("roots", layout.Keyring, "`file` with the certificates (PEM) under which images are signed")
}

func readRoots(path string) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("whose images are believed is not known: %w", err)
	}
	return manifest.Certificates(b)
}

func readSetup(path string, stdin io.Reader) (*enrol.Setup, error) {
	var b []byte
	var err error
	if path == "-" {
		b, err = io.ReadAll(io.LimitReader(stdin, 1<<20))
	} else {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the set-up cannot be read: %w", err)
	}
	s, err := enrol.ParseSetup(b)
	if err != nil {
		return nil, fmt.Errorf("the set-up %s: %w", path, err)
	}
	return &s, nil
}

func listMedia(asJSON bool, stdout, stderr io.Writer) int {
	all, err := flash.System{}.Media()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	if asJSON {
		_ = json.NewEncoder(stdout).Encode(append([]flash.Medium{}, all...)) // of plain values it does not fail
		return good
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "DEVICE\tSIZE\tBUS\tMODEL\t")
	free := 0
	for _, m := range all {
		why := ""
		if len(m.Refused) > 0 {
			why = "NOT: " + strings.Join(m.Refused, "; ")
		} else {
			free++
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", m.Path, flash.Size(m.Bytes), m.Bus, m.Model, why)
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	if free == 0 {
		_, _ = fmt.Fprintln(stdout, "There is no medium that an image may be written to. Put the card into its reader and the reader into the machine.")
	}
	return good
}

func (f *flasher) fail(status int, err error, hint string) int {
	_, _ = fmt.Fprintf(f.stderr, "penjire: %v\n", err)
	if hint != "" {
		_, _ = fmt.Fprintf(f.stderr, "hint: %s\n", hint)
	}
	return status
}

// flash writes the image at path to the device called name.
func (f *flasher) flash(ctx context.Context, path, name string) int {
	img, err := flash.Open(path, f.roots)
	if err != nil {
		return f.fail(bad, err, "the manifest ("+manifest.Name(filepath.Base(path))+") is published with the image; keep both in one folder")
	}
	switch {
	case img.Unsigned != nil && !f.anySigner:
		return f.fail(bad, img.Unsigned, "fetch the image again from where it is published; --roots names whom you trust. Nothing was written")
	case img.Unsigned != nil:
		_, _ = fmt.Fprintf(f.stderr, "WARNING: %v\n", img.Unsigned)
	}
	r := img.Manifest.Release
	_, _ = fmt.Fprintf(f.stdout, "image: version %s for board %s of %s, signed by %s\n", r.Version, r.Board, r.Build.Format(time.DateOnly), img.Signer)
	if b, err := board.Load(r.Board); err == nil && b.Status.Experimental {
		_, _ = fmt.Fprintf(f.stdout, "this board is experimental: %s\n", b.Status.Why.EN)
	}
	if r.Developer {
		_, _ = fmt.Fprintln(f.stdout, "this is a developer's image, which is not for service")
	}
	if f.setup != nil {
		_, _ = fmt.Fprintf(f.stdout, "set-up: %v\n", *f.setup)
	} else {
		_, _ = fmt.Fprintln(f.stdout, "set-up: none; the kiosk will ask")
	}
	to, st := f.open(name)
	if to == nil {
		return st
	}
	p := &progress{w: f.stderr, began: time.Now(), terminal: terminal(f.stderr)}
	err = (&flash.Job{Image: img, To: to, Setup: f.setup, Progress: p.show}).Run(ctx)
	p.end()
	if err = errors.Join(err, to.Close()); err != nil {
		return f.failed(err, name)
	}
	_, _ = fmt.Fprintf(f.stdout, "%s has the image; every byte was read back. It can be taken out now.\n", name)
	return good
}

// open finds the device, asks, and opens it.
func (f *flasher) open(name string) (flash.Target, int) {
	if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
		return f.openFile(name, st.Size())
	}
	var sys flash.System
	m, err := sys.Find(name)
	if err != nil {
		return nil, f.fail(bad, err, "penjire flash without arguments lists the media")
	}
	if len(m.Refused) > 0 {
		return nil, f.fail(bad, fmt.Errorf("%v: %w: %s", m, flash.ErrRefused, strings.Join(m.Refused, "; ")), m.Hint)
	}
	parts := ""
	if len(m.Parts) > 0 {
		parts = fmt.Sprintf(" and its %d partitions", len(m.Parts))
	}
	if !f.sure(fmt.Sprintf("%v\nEverything on it%s will be lost.", m, parts), m.Name) {
		return nil, bad
	}
	to, err := sys.Open(m)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, f.fail(blind, err, "only root may write to devices: sudo penjire flash …")
	case errors.Is(err, flash.ErrBusy):
		return nil, f.fail(bad, err, "close what has it open, and unmount it")
	case err != nil:
		return nil, f.fail(bad, err, "")
	}
	return to, good
}

func (f *flasher) openFile(name string, size int64) (flash.Target, int) {
	if !f.sure(fmt.Sprintf("%s: a file of %s\nEverything in it will be lost.", name, flash.Size(size)), filepath.Base(name)) {
		return nil, bad
	}
	to, err := flash.OpenTarget(name)
	if err != nil {
		return nil, f.fail(blind, err, "")
	}
	return to, good
}

// sure asks twice, or takes the name that was given for the answer.
func (f *flasher) sure(what, name string) bool {
	_, _ = fmt.Fprintln(f.stdout, what)
	no := func(hint string) bool {
		f.fail(bad, errors.New("nothing was written"), hint)
		return false
	}
	if f.meant != "" {
		if f.meant != name && filepath.Base(f.meant) != name {
			return no(fmt.Sprintf("--yes-i-mean says %s, and the device is %s", f.meant, name))
		}
		return true
	}
	_, _ = fmt.Fprintf(f.stdout, "1 of 2. Type the name of the device to go on: ")
	if answer := f.line(); answer != name && filepath.Base(answer) != name {
		return no("the name is " + name)
	}
	_, _ = fmt.Fprint(f.stdout, "2 of 2. Type ERASE to begin: ")
	if f.line() != "ERASE" {
		return no("")
	}
	return true
}

func (f *flasher) line() string {
	s, _ := f.in.ReadString('\n') // an end of the input is an answer too: not the right one
	return strings.TrimSpace(s)
}

// failed says what became of the medium.
func (f *flasher) failed(err error, name string) int {
	switch {
	case errors.Is(err, flash.ErrCapacity):
		return f.fail(bad, err, name+" is counterfeit: it has less room than it says, and it would lose what citizens entrust to it. Throw it away")
	case errors.Is(err, flash.ErrBadMedium):
		return f.fail(bad, err, name+" is bad, or its reader is. Nothing starts from it now. Try another reader once; then throw it away")
	case errors.Is(err, flash.ErrTooSmall):
		return f.fail(bad, err, "nothing was written; take a larger one")
	case errors.Is(err, flash.ErrCorrupt):
		return f.fail(bad, err, "fetch the image again")
	case errors.Is(err, context.Canceled):
		return f.fail(blind, err, name+" is half written, and nothing starts from it. Run the command again")
	}
	return f.fail(blind, err, "nothing starts from "+name+" now")
}
