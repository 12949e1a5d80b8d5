package main

import (
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
)

func show(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	rootsAt := fs.String("roots", "", "PEM `file` of the root certificates")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if *rootsAt == "" || fs.NArg() != 1 {
		return fmt.Errorf("%w: -roots and one bundle are needed", command.ErrUsage)
	}
	b, err := bundleOf(fs.Arg(0), *rootsAt)
	if err != nil {
		return err
	}
	line := func(format string, a ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", a...) }
	line("bundle %d, issued %s (%s ago)", b.Version, b.Issued.Format(time.RFC3339), now.Sub(b.Issued).Round(time.Hour))
	for _, c := range b.Centres {
		line("centre %s, %s; accreditation %s of %s, %s; %s since %s", describe(c.Cert), c.Kind, c.Accreditation.No,
			c.Accreditation.Date.Format(time.DateOnly), c.Accreditation.Address, c.State, c.Since.Format(time.DateOnly))
	}
	for _, der := range b.CRLs {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return fmt.Errorf("read a revocation list: %w", err)
		}
		line("revocation list of «%s»: %d entries, of %s, next due %s", l.Issuer.CommonName, len(l.RevokedCertificateEntries),
			l.ThisUpdate.Format(time.RFC3339), l.NextUpdate.Format(time.RFC3339))
	}
	for _, i := range items(b)[len(b.Centres):] {
		line("%s", i.what)
	}
	return nil
}
