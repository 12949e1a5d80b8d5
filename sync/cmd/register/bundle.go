package main

import (
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// signing are the flags of everything that is signed and published.
type signing struct {
	cert, key, previous, out string
	first                    bool
}

func (s *signing) flags(fs *flag.FlagSet) {
	fs.StringVar(&s.cert, "cert", "", "certificate `file` of the register, its issuers after it")
	fs.StringVar(&s.key, "key", "", "key `file` of the register")
	fs.StringVar(&s.previous, "previous", "", "`file` of the version before")
	fs.BoolVar(&s.first, "first", false, "there is no version before")
	fs.StringVar(&s.out, "out", "", "`file` to write")
}

// complete says what is missing.
func (s *signing) complete(also map[string]string) error {
	also["-cert"], also["-key"], also["-out"] = s.cert, s.key, s.out
	for name, value := range also {
		if value == "" {
			return fmt.Errorf("%w: %s is needed", command.ErrUsage, name)
		}
	}
	if s.first == (s.previous != "") {
		return fmt.Errorf("%w: either -previous names the version before, or -first says that there is none", command.ErrUsage)
	}
	return nil
}

func (s *signing) signer() (edoc.Signer, error) { return keyfile.Signer(s.cert, s.key) }

// write puts b into its file whole or not at all: a kiosk or a portal may be
// reading it.
func (s *signing) write(b []byte) error { return durable.WriteFile(s.out, b, 0o644) }

func issueBundle(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	var s signing
	s.flags(fs)
	from := fs.String("from", "", "description: bundle.json `file`")
	rootsAt := fs.String("roots", "", "PEM `file` of the root certificates that kiosks have")
	deltaAt := fs.String("delta", "", "`file` to write what turns the version before into this one")
	drop := fs.Bool("drop", false, "let something end that the version before had: a centre, an authority, a portal, a recipient")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if err := s.complete(map[string]string{"-from": *from, "-roots": *rootsAt}); err != nil {
		return err
	}
	roots, err := keyfile.Certificates(*rootsAt)
	if err != nil {
		return err
	}
	signer, err := s.signer()
	if err != nil {
		return err
	}
	b, err := readDescription(*from)
	if err != nil {
		return err
	}
	b.Version, b.Issued = 1, now.UTC().Truncate(time.Second)
	var before *trust.Bundle
	if !s.first {
		if before, err = readBundle(s.previous, roots); err != nil {
			return err
		}
		b.Version = before.Version + 1
		if b.Issued.Before(before.Issued) {
			return fmt.Errorf("the clock says %s, and the version before is of %s", b.Issued.Format(time.RFC3339), before.Issued.Format(time.RFC3339))
		}
	}
	if err := inOrder(b, now); err != nil {
		return err
	}
	if err := compare(stdout, before, b, *drop); err != nil {
		return err
	}
	signed, err := b.Encode(signer)
	if err != nil {
		return err
	}
	if _, err := trust.Open(signed, trust.Known{Roots: roots, Bundle: before}); err != nil {
		return fmt.Errorf("kiosks would refuse it: %w", err)
	}
	if *deltaAt != "" && before != nil {
		d, err := trust.Delta(before.Signed(), signed)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(*deltaAt, d, 0o644); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "%d bytes, the difference %d bytes\n", len(signed), len(d))
	}
	return s.write(signed)
}

// bundleOf reads a bundle and checks it against the roots of a file.
func bundleOf(name, rootsAt string) (*trust.Bundle, error) {
	roots, err := keyfile.Certificates(rootsAt)
	if err != nil {
		return nil, err
	}
	return readBundle(name, roots)
}

func readBundle(name string, roots []*x509.Certificate) (*trust.Bundle, error) {
	signed, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	return trust.ParseBundle(signed, roots, 0)
}

// inOrder says what would not work with b: a listed certificate that is not
// accepted for its use, a centre whose revocations nobody would know.
func inOrder(b *trust.Bundle, now time.Time) error {
	var faults []error
	for _, l := range []struct {
		name string
		use  trust.Use
		list []*x509.Certificate
		past bool // what is no longer in force stays listed, for what it signed
	}{
		{"time-stamping authority", trust.UseTSA, b.TSA, true},
		{"portal", trust.UsePortal, b.Portals, true},
		{"agency", trust.UseAgency, b.Agencies, true},
		{"seal signer", trust.UseDevice, b.SealSigners, true},
	} {
		good := 0
		for _, cert := range l.list {
			at := now
			if l.past && now.After(cert.NotAfter) {
				at = cert.NotAfter
			} else {
				good++
			}
			if f := b.CheckCert(cert, l.use, at, true, now).Worst(); f.Verdict != trust.Yes && f.Reason != trust.ReasonRevoked {
				faults = append(faults, fmt.Errorf("%s «%s» is not accepted as one: %s", l.name, subject(cert), f.Reason))
			}
		}
		if good == 0 {
			faults = append(faults, fmt.Errorf("no %s is in force", l.name))
		}
	}
	for _, c := range b.Centres {
		if c.State == trust.Working && !listed(b, c, now) {
			faults = append(faults, fmt.Errorf("centre «%s»: there is no revocation list of it that is in date", subject(c.Cert)))
		}
	}
	if len(b.Recipients) == 0 {
		faults = append(faults, errors.New("no recipient: nobody could open what kiosks send"))
	}
	return errors.Join(faults...)
}

// listed reports whether b has a revocation list of the centre that is in date.
func listed(b *trust.Bundle, c trust.Centre, now time.Time) bool {
	for _, der := range b.CRLs {
		l, err := x509.ParseRevocationList(der)
		if err == nil && l.CheckSignatureFrom(c.Cert) == nil && now.Before(l.NextUpdate) {
			return true
		}
	}
	return false
}

func subject(c *x509.Certificate) string { return c.Subject.CommonName }
