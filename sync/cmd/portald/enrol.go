package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/est"
)

// loadEnrol reads what portal.json says of enrolment.
func loadEnrol(e *portal.Enrol, in func(string) string) (*est.Config, error) {
	day := 24 * time.Hour
	c := &est.Config{
		Identity: time.Duration(e.IdentityDays) * day, Signing: time.Duration(e.SigningDays) * day, Grace: time.Duration(e.GraceDays) * day,
	}
	var err error
	if c.Issuer, err = keyfile.Signer(in(e.Issuer.Cert), in(e.Issuer.Key)); err != nil {
		return nil, err
	}
	b, err := keyfile.Secret(in(e.Codes))
	if err != nil {
		return nil, err
	}
	if c.Codes, err = hex.DecodeString(string(bytes.TrimSpace(b))); err != nil || len(c.Codes) != 32 {
		return nil, fmt.Errorf("%s: want 64 hex digits: openssl rand -hex 32", in(e.Codes))
	}
	return c, nil
}

// issues is the service that issues certificates; nil, if this portal does not.
func (l *loaded) issues(db ledger.Ledger, bundle func() *trust.Bundle, log *slog.Logger) (*est.Service, error) {
	if l.enrol == nil {
		return nil, nil
	}
	c := *l.enrol
	c.Ledger, c.Bundle, c.Log, c.Roots, c.Devices = db, bundle, log, l.config.Roots, l.devices
	return est.New(c)
}

// errNoEnrol: portal.json has no enrol.
var errNoEnrol = errors.New("this portal issues no certificates: portal.json has no enrol")

// withService opens the ledger beside a running portal, and gives f the service.
func withService(ctx context.Context, dir, where string, f func(*est.Service, ledger.Ledger) error) error {
	l, err := load(options{dir: dir, ledger: where})
	if err != nil {
		return err
	}
	if l.enrol == nil {
		return errNoEnrol
	}
	db, err := openExisting(ctx, l.ledger)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // what was written is durable
	b, err := newestTrust(ctx, db, l)
	if err != nil {
		return err
	}
	s, err := l.issues(db, func() *trust.Bundle { return b }, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return f(s, db)
}

// newestTrust is the bundle that was published last, or the one in the folder.
func newestTrust(ctx context.Context, db ledger.Ledger, l *loaded) (*trust.Bundle, error) {
	_, signed, err := db.Broadcasted(ctx, ledger.ItemTrust)
	if errors.Is(err, ledger.ErrNotFound) {
		signed, err = l.config.Trust, nil
	}
	if err != nil {
		return nil, err
	}
	return trust.ParseBundle(signed, l.config.Roots, 0)
}

// enrolFlags are what all commands of enrolment take.
func enrolFlags(name string, stderr io.Writer) (fs *flag.FlagSet, dir, where *string) {
	fs = flag.NewFlagSet("portald "+name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	return fs, fs.String("dir", "", "`folder` of portal.json"), fs.String("ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
}

// codeCommand makes a one-time code. It is printed, and kept nowhere.
func codeCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs, dir, where := enrolFlags("code", stderr)
	chip := fs.Bool("chip", false, "the kiosk keeps its keys in a TPM or token: its certificates do not say «software key»")
	days := fs.Int("days", 14, "for how many `days` it is good, 1 to 90")
	by := fs.String("by", os.Getenv("USER"), "who makes it")
	if code, done := parse(fs, args, 1, stderr, "a kiosk's number"); done {
		return code
	}
	err := withService(ctx, *dir, *where, func(s *est.Service, _ ledger.Ledger) error {
		code, kept, err := s.NewCode(ctx, fs.Arg(0), *chip, time.Duration(*days)*24*time.Hour, or(*by, "operator"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s\n", code.Written())
		_, _ = fmt.Fprintf(stderr, "for %s, until %s, once. It is kept nowhere: write it down, or give it to penjire flash\n", kept.Kiosk, kept.Until.Format(time.DateOnly))
		return err
	})
	return said(err, stderr)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// parse parses flags and wants so many arguments. done: the command ends with code.
func parse(fs *flag.FlagSet, args []string, n int, stderr io.Writer, what string) (code int, done bool) {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0, true
		}
		return 2, true
	}
	if fs.Lookup("dir").Value.String() == "" || fs.NArg() != n {
		_, _ = fmt.Fprintf(stderr, "portald: -dir is needed, and after the flags %s\n", what)
		return 2, true
	}
	return 0, false
}

func said(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "portald:", err)
	if errors.Is(err, est.ErrKiosk) || errors.Is(err, est.ErrLife) {
		return 2
	}
	return 1
}

// kioskCommand is kiosk ls, revoke, answer, crl and register.
func kioskCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprintln(stderr, "portald: kiosk takes ls, revoke, answer, crl or register")
		return 2
	}
	fs, dir, where := enrolFlags("kiosk "+args[0], stderr)
	var do func(*est.Service, ledger.Ledger) error
	n, what := 0, "nothing"
	switch args[0] {
	case "ls":
		do = func(_ *est.Service, db ledger.Ledger) error { return listKiosks(ctx, db, stdout) }
	case "revoke":
		reason := fs.String("reason", "", "why, in a few words, without a person's name")
		by := fs.String("by", os.Getenv("USER"), "who revokes")
		n, what = 1, "a kiosk's number"
		do = func(s *est.Service, _ ledger.Ledger) error {
			count, err := s.RevokeKiosk(ctx, fs.Arg(0), *reason, or(*by, "operator"))
			if errors.Is(err, ledger.ErrNotFound) {
				return fmt.Errorf("%w\nhint: the portal issued it no certificate; the register revokes those that it issued", err)
			}
			if err == nil {
				_, err = fmt.Fprintf(stdout, "%d certificates of %s are revoked\n", count, fs.Arg(0))
			}
			return err
		}
	case "answer":
		n, what = 2, "the kiosk's file and a folder for the answer"
		do = func(s *est.Service, _ ledger.Ledger) error { return answerFile(ctx, s, fs.Arg(0), fs.Arg(1), stdout) }
	case "crl":
		do = func(s *est.Service, _ ledger.Ledger) error {
			der, err := s.CRL(ctx)
			if err == nil {
				err = pem.Encode(stdout, &pem.Block{Type: "X509 CRL", Bytes: der})
			}
			return err
		}
	case "register":
		do = func(s *est.Service, _ ledger.Ledger) error {
			b, err := s.ForRegister(ctx)
			if err == nil {
				_, err = stdout.Write(b)
			}
			return err
		}
	default:
		_, _ = fmt.Fprintf(stderr, "portald: kiosk takes ls, revoke, answer, crl or register, not %q\n", args[0])
		return 2
	}
	if code, done := parse(fs, args[1:], n, stderr, what); done {
		return code
	}
	return said(withService(ctx, *dir, *where, do), stderr)
}

func listKiosks(ctx context.Context, db ledger.Ledger, stdout io.Writer) error {
	certs, err := db.Certificates(ctx, "")
	if err != nil {
		return err
	}
	codes, err := db.Codes(ctx, "")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 4, 2, ' ', 0)
	for _, c := range certs {
		state := "good until " + c.Until.Format(time.DateOnly)
		if !c.Revoked.IsZero() {
			state = "revoked on " + c.Revoked.Format(time.DateOnly) + ": " + c.Reason
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%x\t%s\n", c.Kiosk, c.Use, c.Serial, state)
	}
	for _, c := range codes {
		state := "open until " + c.Until.Format(time.DateOnly)
		switch {
		case !c.Taken.IsZero():
			state = "taken back on " + c.Taken.Format(time.DateOnly)
		case !c.Used.IsZero():
			state = "used on " + c.Used.Format(time.DateOnly)
		}
		_, _ = fmt.Fprintf(w, "%s\tcode\t%x\t%s, by %s\n", c.Kiosk, c.ID[:4], state, c.By)
	}
	return w.Flush()
}

// answerFile answers a kiosk's file.
func answerFile(ctx context.Context, s *est.Service, from, to string, stdout io.Writer) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, enrol.MaxFile+1))
	if err != nil {
		return err
	}
	t, err := s.Take(ctx, b)
	if err != nil {
		return err
	}
	name := filepath.Join(to, t.Name)
	if err := os.WriteFile(name, t.File, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, name)
	return err
}
