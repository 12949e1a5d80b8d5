package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/service"
)

// inFolder returns what makes a path of portal.json one of the file system.
func inFolder(dir string) func(string) string {
	return func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
}

// ticketCommand is portald ticket: it signs a service ticket for one kiosk.
func ticketCommand(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("portald ticket", flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	kiosk := fs.String("kiosk", "", "`number` of the kiosk")
	do := fs.String("do", "", "`what` it allows: support, verbose or decommission")
	good := fs.Duration("good", 72*time.Hour, "for how `long` the ticket is good")
	verbose := fs.Duration("for", 24*time.Hour, "for how `long` the kiosk logs more, with -do verbose")
	out := fs.String("o", service.FileName, "the ticket's `file`; on the stick its name is "+service.FileName)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	a, err := service.ParseAction(*do)
	if *dir == "" || *kiosk == "" || fs.NArg() > 0 || err != nil {
		_, _ = fmt.Fprintln(stderr, "usage: portald ticket -dir FOLDER -kiosk NUMBER -do support|verbose|decommission [-good 72h] [-for 24h] [-o FILE]")
		return 2
	}
	now := time.Now()
	t := service.NewTicket(*kiosk, a, now.Add(-time.Hour), now.Add(*good)) // the kiosk's clock may be behind
	if a == service.Verbose {
		t.For = verbose.Truncate(time.Second)
	}
	if err := writeTicket(*dir, *out, t); err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "%s: %s on kiosk %s, once, until %s\n", *out, a, *kiosk, t.Until.Format(time.RFC3339))
	return 0
}

func writeTicket(dir, out string, t service.Ticket) error {
	f, err := portal.ReadFile(dir)
	if err != nil {
		return err
	}
	in := inFolder(dir)
	s, err := keyfile.Signer(in(f.Receipt.Cert), in(f.Receipt.Key))
	if err != nil {
		return fmt.Errorf("open the portal's key: %w", err)
	}
	signed, err := t.Sign(s)
	if err != nil {
		return err
	}
	return writeNew(out, signed)
}

// writeNew writes a file that is not there yet.
func writeNew(path string, b []byte) error {
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the ticket: %w", err)
	}
	_, err = w.Write(b)
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		return fmt.Errorf("write the ticket %s: %w", path, err)
	}
	return nil
}

// proofCommand is portald proof: it checks the proof that a kiosk went out of service.
func proofCommand(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("portald proof", flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *dir == "" || fs.NArg() != 1 {
		_, _ = fmt.Fprintln(stderr, "usage: portald proof -dir FOLDER FILE")
		return 2
	}
	p, err := readProof(*dir, fs.Arg(0))
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	_, _ = fmt.Fprintf(stdout, "kiosk %s went out of service %s\nby ticket %x\njournal %d entries, root %x, epoch %x\n%d keys to erase after it\n",
		p.Kiosk, p.At.Format(time.RFC3339), p.Ticket, p.Size, p.Root, p.Epoch, p.Keys)
	return 0
}

func readProof(dir, path string) (service.Proof, error) {
	f, err := portal.ReadFile(dir)
	if err != nil {
		return service.Proof{}, err
	}
	in := inFolder(dir)
	roots, err := keyfile.Certificates(in(f.Roots))
	if err != nil {
		return service.Proof{}, err
	}
	signed, err := os.ReadFile(in(f.Trust))
	if err != nil {
		return service.Proof{}, fmt.Errorf("read the trust bundle: %w", err)
	}
	b, err := trust.Open(signed, trust.Known{Roots: roots, Now: time.Now()})
	if err != nil {
		return service.Proof{}, err
	}
	proof, err := os.ReadFile(path)
	if err != nil {
		return service.Proof{}, fmt.Errorf("read the proof: %w", err)
	}
	return service.OpenProof(proof, b)
}
