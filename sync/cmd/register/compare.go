package main

import (
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// item is a line of a bundle, for people: what it is, and what must not
// vanish by mistake.
type item struct {
	what string
	keep bool // without it something that was valid would no longer be
}

// items returns what a bundle holds, line by line.
func items(b *trust.Bundle) []item {
	if b == nil {
		return nil
	}
	var out []item
	for _, c := range b.Centres {
		out = append(out, item{"centre " + describe(c.Cert) + " (" + c.Kind + ")", true})
	}
	for _, l := range []struct {
		name string
		list []*x509.Certificate
		keep bool
	}{
		{"time-stamping authority", b.TSA, true}, {"portal", b.Portals, true}, {"agency", b.Agencies, true}, {"seal signer", b.SealSigners, true},
	} {
		for _, c := range l.list {
			out = append(out, item{l.name + " " + describe(c), l.keep})
		}
	}
	for _, r := range b.Recipients {
		out = append(out, item{"recipient " + r, true})
	}
	for _, id := range b.RevokedSeals {
		out = append(out, item{"revoked seal " + hex.EncodeToString(id), true})
	}
	for _, r := range b.Roots {
		out = append(out, item{fmt.Sprintf("root %s, from %s", describe(r.Cert), r.Cross.NotBefore.Format(time.DateOnly)), true})
	}
	for _, r := range b.Retired {
		out = append(out, item{fmt.Sprintf("root with key %x is retired since %s", r.Key[:8], r.Since.Format(time.DateOnly)), true})
	}
	for _, h := range b.Holds {
		until := "not lifted"
		if !h.Until.IsZero() {
			until = "lifted " + h.Until.Format(time.RFC3339)
		}
		out = append(out, item{fmt.Sprintf("suspension of no. %X since %s, %s", h.Serial, h.From.Format(time.RFC3339), until), false})
	}
	for _, c := range b.Centres {
		if c.State != trust.Working {
			out = append(out, item{fmt.Sprintf("centre %s is %s since %s", describe(c.Cert), c.State, c.Since.Format(time.DateOnly)), false})
		}
	}
	return out
}

func describe(c *x509.Certificate) string {
	return fmt.Sprintf("«%s» no. %s", subject(c), strings.ToUpper(c.SerialNumber.Text(16)))
}

// compare says what is new and what is gone. What must not vanish by mistake
// may only with drop: certificates stay listed after their time, for what was
// signed in it.
func compare(w io.Writer, before, after *trust.Bundle, drop bool) error {
	a, b := items(before), items(after)
	_, _ = fmt.Fprintf(w, "bundle %d, issued %s\n", after.Version, after.Issued.Format(time.RFC3339))
	for _, i := range b {
		if !slices.Contains(a, i) {
			_, _ = fmt.Fprintln(w, "+", i.what)
		}
	}
	var gone []string
	for _, i := range a {
		if slices.Contains(b, i) {
			continue
		}
		_, _ = fmt.Fprintln(w, "-", i.what)
		if i.keep {
			gone = append(gone, i.what)
		}
	}
	if len(gone) > 0 && !drop {
		return fmt.Errorf("what this would no longer hold: %s\nhint: certificates stay listed after their time, for what was signed in it; -drop if it is meant", strings.Join(gone, "; "))
	}
	return nil
}
