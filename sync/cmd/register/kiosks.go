package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// takeKiosks is register kiosks: it puts the certificates and the list of a portal
// beside those that a description names. All of it is taken, or nothing.
func takeKiosks(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	list := fs.String("list", "", "PEM `file` of portald kiosk register")
	from := fs.String("from", "", "description: bundle.json `file`")
	previous := fs.String("previous", "", "`file` of the trust bundle in force")
	rootsAt := fs.String("roots", "", "PEM `file` of the root certificates that kiosks have")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	for name, v := range map[string]string{"-list": *list, "-from": *from, "-previous": *previous, "-roots": *rootsAt} {
		if v == "" {
			return fmt.Errorf("%w: %s is needed", command.ErrUsage, name)
		}
	}
	b, err := bundleOf(*previous, *rootsAt)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(*list)
	if err != nil {
		return fmt.Errorf("read the portal's list: %w", err)
	}
	certs, lists, err := readList(raw)
	if err != nil {
		return fmt.Errorf("read the portal's list %s: %w", *list, err)
	}
	to, err := placesOf(*from)
	if err != nil {
		return err
	}
	if err := fromCentres(b, certs, lists, now); err != nil {
		return err
	}
	for _, c := range certs {
		name := filepath.Join(to.kiosks, fmt.Sprintf("%s-%x.crt", trust.DeviceID(c), c.SerialNumber.Bytes()))
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, block) {
			_, _ = fmt.Fprintf(stdout, "= kiosk %s is there\n", trust.DeviceID(c))
			continue
		}
		if err := durable.WriteFile(name, block, 0o644); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "+ kiosk %s, until %s: %s\n", trust.DeviceID(c), c.NotAfter.Format(time.DateOnly), name)
	}
	for _, l := range lists {
		name, err := to.listOf(l)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: l.Raw}), 0o644); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "~ list of «%s» of %s, %d revoked: %s\n", l.Issuer.CommonName, l.ThisUpdate.Format(time.DateOnly), len(l.RevokedCertificateEntries), name)
	}
	_, _ = fmt.Fprintln(stdout, "now: register bundle, with the same description")
	return nil
}

// readList reads certificates and revocation lists in PEM, and nothing else.
func readList(b []byte) (certs []*x509.Certificate, lists []*x509.RevocationList, err error) {
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		b = rest
		switch block.Type {
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			certs = append(certs, c)
		case "X509 CRL":
			l, err := x509.ParseRevocationList(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			lists = append(lists, l)
		default:
			return nil, nil, fmt.Errorf("there is a %s in it", block.Type)
		}
	}
	if len(bytes.TrimSpace(b)) > 0 || len(certs)+len(lists) == 0 {
		return nil, nil, errors.New("want certificates and lists in PEM, and nothing else")
	}
	return certs, lists, nil
}

// fromCentres says what of a list is not issued by a centre of b for a kiosk, or is
// not in force.
func fromCentres(b *trust.Bundle, certs []*x509.Certificate, lists []*x509.RevocationList, now time.Time) error {
	var faults []error
	next := *b
	for _, l := range lists {
		known := false
		for _, c := range b.Centres {
			known = known || l.CheckSignatureFrom(c.Cert) == nil
		}
		if !known {
			faults = append(faults, fmt.Errorf("the list of «%s» is of no centre that the bundle has", l.Issuer.CommonName))
			continue
		}
		next.CRLs = append(next.CRLs[:len(next.CRLs):len(next.CRLs)], l.Raw)
	}
	for _, c := range certs {
		f := next.CheckCert(c, trust.UseDevice, now, true, now).Worst()
		if f.Verdict != trust.Yes || trust.DeviceID(c) == "" {
			faults = append(faults, fmt.Errorf("«%s» is not accepted as a kiosk's: %s", subject(c), f.Reason))
		}
	}
	return errors.Join(faults...)
}

// places are where a description looks for kiosks and for lists.
type places struct {
	kiosks string // folder
	lists  []string
}

// placesOf reads where the description's kiosks are: the first pattern of
// seal_signers that takes a whole folder.
func placesOf(name string) (places, error) {
	var p places
	raw, err := os.ReadFile(name)
	if err != nil {
		return p, fmt.Errorf("read the description: %w", err)
	}
	var d description
	if err := json.Unmarshal(raw, &d); err != nil {
		return p, fmt.Errorf("read the description %s: %w", name, err)
	}
	in := func(n string) string {
		if filepath.IsAbs(n) {
			return n
		}
		return filepath.Join(filepath.Dir(name), n)
	}
	for _, n := range d.SealSigners {
		if folder, ok := strings.CutSuffix(n, "/*.crt"); ok {
			p.kiosks = in(folder)
			break
		}
	}
	if p.kiosks == "" {
		return p, fmt.Errorf("%s: seal_signers names no folder: add \"kiosks/*.crt\"", name)
	}
	for _, n := range d.CRLs {
		found, err := filepath.Glob(in(n))
		if err != nil {
			return p, fmt.Errorf("%s: crls: %s: %w", name, n, err)
		}
		p.lists = append(p.lists, found...)
	}
	return p, os.MkdirAll(p.kiosks, 0o755)
}

// listOf returns the file of the description with an older list of the same centre. A
// list that is not newer than what is there is an error: somebody brought an old file.
func (p places) listOf(l *x509.RevocationList) (string, error) {
	for _, name := range p.lists {
		b, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if block, _ := pem.Decode(b); block != nil {
			b = block.Bytes
		}
		old, err := x509.ParseRevocationList(b)
		if err != nil || !bytes.Equal(old.RawIssuer, l.RawIssuer) {
			continue
		}
		for _, e := range old.RevokedCertificateEntries {
			if !slices.ContainsFunc(l.RevokedCertificateEntries, func(n x509.RevocationListEntry) bool { return n.SerialNumber.Cmp(e.SerialNumber) == 0 }) {
				return "", fmt.Errorf("the list of «%s» does not revoke no. %x, which the one in %s does: put them together first", l.Issuer.CommonName, e.SerialNumber, name)
			}
		}
		if l.ThisUpdate.Before(old.ThisUpdate) {
			return "", fmt.Errorf("the list of «%s» of %s is older than the one in %s", l.Issuer.CommonName, l.ThisUpdate.Format(time.RFC3339), name)
		}
		return name, nil
	}
	return "", fmt.Errorf("crls: the description has no list of «%s» yet: put the file there once", l.Issuer.CommonName)
}
