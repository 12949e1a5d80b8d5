package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/release"
)

// makeRoot makes a root: for twenty years, kept offline.
func makeRoot(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	name, out := fs.String("name", "", "common `name`"), fs.String("out", "", "`folder`")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if *name == "" || *out == "" || fs.NArg() > 0 {
		return command.ErrUsage
	}
	return issue(*out, "root", nil, stdout, &x509.Certificate{
		Subject: pkix.Name{CommonName: *name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
}

// makeKey makes a release key below a root.
func makeKey(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	root, name := fs.String("root", "", "`folder` of root.pem and root.key"), fs.String("name", "", "common `name`")
	days, out := fs.Int("days", 730, "for how many `days`"), fs.String("out", "", "`folder`")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if *root == "" || *name == "" || *out == "" || *days < 1 || fs.NArg() > 0 {
		return command.ErrUsage
	}
	by, err := rootIn(*root)
	if err != nil {
		return err
	}
	return issue(*out, "release", &by, stdout, &x509.Certificate{
		Subject: pkix.Name{CommonName: *name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, *days),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		// RAUC looks for the second where its keyring is not told a purpose.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageEmailProtection},
	})
}

func rootIn(folder string) (cms.Signer, error) {
	s, err := keyfile.Signer(filepath.Join(folder, "root.pem"), filepath.Join(folder, "root.key"))
	return s, err
}

// issue makes a key and its certificate in two files, which must not be there.
func issue(folder, base string, by *cms.Signer, stdout io.Writer, c *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if c.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	parent, signer := c, any(key)
	if by != nil {
		parent, signer = by.Cert, by.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, b := range map[string]*pem.Block{
		base + ".key": {Type: "PRIVATE KEY", Bytes: secret}, base + ".pem": {Type: "CERTIFICATE", Bytes: der},
	} {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("no key is ever replaced: %w", err)
		}
		if err := errors.Join(pem.Encode(f, b), f.Close()); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "%s and %s in %s, until %s\n", base+".key", base+".pem", folder, c.NotAfter.UTC().Format(time.DateOnly))
	return err
}

// makeList makes the next list of keys.
func makeList(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	root, roots := fs.String("root", "", "`folder` of root.pem and root.key, which signs"), fs.String("roots", "", "PEM `file`: who counts from then on")
	after, out := fs.String("after", "", "`file` with the lists so far"), fs.String("out", "", "`file` for all lists")
	var revoke []string
	fs.Func("revoke", "PEM `file` of a certificate whose key counts no more; may be repeated", func(s string) error { revoke = append(revoke, s); return nil })
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if *root == "" || *roots == "" || *out == "" || fs.NArg() > 0 {
		return command.ErrUsage
	}
	by, err := rootIn(*root)
	if err != nil {
		return err
	}
	l := release.KeyList{Version: 1, Issued: now}
	if l.Roots, err = keyfile.Certificates(*roots); err != nil {
		return err
	}
	lists, err := readLists(*after)
	if err != nil {
		return err
	}
	if n := len(lists); n > 0 {
		last, err := release.ReadList(lists[n-1])
		if err != nil {
			return err
		}
		l.Version, l.Revoked = last.Version+1, last.Revoked
	}
	for _, name := range revoke {
		certs, err := keyfile.Certificates(name)
		if err != nil {
			return err
		}
		l.Revoked = append(l.Revoked, release.KeyID(certs[0]))
	}
	signed, err := l.Sign(by)
	if err != nil {
		return err
	}
	b, err := dcbor.Marshal(append(lists, signed))
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, b, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "list %d: %d roots, %d keys revoked\n", l.Version, len(l.Roots), len(l.Revoked))
	return err
}

func readLists(name string) (lists [][]byte, err error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if err := dcbor.Unmarshal(b, &lists); err != nil {
		return nil, fmt.Errorf("read the lists in %s: %w", name, err)
	}
	return lists, nil
}
