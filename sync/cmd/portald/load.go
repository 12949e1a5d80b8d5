package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/desk"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/release"
)

// loaded is the portal's folder in memory.
type loaded struct {
	config   portal.Config
	cert     tls.Certificate
	devices  *x509.CertPool
	tsa      *tsp.Authority
	officers []desk.Officer
	ledger   string
	silent   time.Duration
	bundles  string // folder of releases' bundles
	keys     release.Keys
	failures rollout.Limit // of a release in a ring
	enrol    *est.Config   // nil: this portal issues no certificates
	host     string        // that kiosks ask for; "" not said
	// files are those that a running portal reads again, by what is in trouble with
	// them, and stamps how they looked before they were read.
	files  map[string][]string
	stamps map[string]string
}

// load reads portal.json and what it names.
func load(o options) (*loaded, error) {
	f, err := portal.ReadFile(o.dir)
	if err != nil {
		return nil, err
	}
	in := inFolder(o.dir)
	l := &loaded{ledger: ledgerPath(o.dir, cmp.Or(o.ledger, f.Ledger)), config: portal.Config{
		Name: f.Name, PublicURL: f.PublicURL, Agencies: map[string]edoc.Signer{},
		Quota: portal.Quota{Records: f.Limits.Records, Bytes: f.Limits.Bytes, Sessions: f.Limits.Sessions},
		Room:  func() (int64, error) { return diskFree(filepath.Dir(in(f.Ledger))) }, Reserve: f.Limits.DiskReserve,
	}, silent: time.Duration(f.Limits.SilentHours) * time.Hour}
	l.host = f.Host
	l.files = map[string][]string{
		portal.TroubleTrust: {in(f.Trust)}, portal.TroubleTLS: {in(f.TLS.Cert), in(f.TLS.Key)}, portal.TroubleDevices: {in(f.Devices)},
	}
	l.stamps = map[string]string{}
	for what, files := range l.files {
		l.stamps[what] = stampOf(files)
	}
	l.bundles = in(cmp.Or(f.Releases.Folder, "releases"))
	l.failures = rollout.Limit{Kiosks: f.Releases.Kiosks, Percent: f.Releases.Percent}
	signer := func(dst *edoc.Signer, p portal.Pair) func() error {
		return func() (err error) {
			*dst, err = keyfile.Signer(in(p.Cert), in(p.Key))
			return err
		}
	}
	bytesOf := func(dst *[]byte, name string) func() error {
		return func() (err error) {
			*dst, err = os.ReadFile(in(name))
			return err
		}
	}
	var tsaKey edoc.Signer
	steps := []func() error{
		signer(&l.config.Receipt, f.Receipt), signer(&l.config.Register, f.Register), signer(&tsaKey, f.TSA),
		bytesOf(&l.config.Trust, f.Trust), bytesOf(&l.config.Catalogue, f.Catalogue),
		func() (err error) { l.cert, err = keyfile.TLS(in(f.TLS.Cert), in(f.TLS.Key)); return err },
		func() (err error) { l.config.Roots, err = keyfile.Certificates(in(f.Roots)); return err },
		func() (err error) { l.config.Identities, err = readAge(in(f.Age)); return err },
		func() (err error) { l.devices, err = readPool(in(f.Devices)); return err },
		func() (err error) {
			l.tsa, err = tsp.NewAuthority(tsaKey, nil)
			l.config.Stamper = l.tsa
			return err
		},
		func() (err error) {
			if o.packs != "" {
				l.config.Packs, err = catalog.ReadPacks(os.DirFS(o.packs))
			}
			return err
		},
		func() error {
			if f.Releases.Roots == "" {
				return nil
			}
			roots, err := keyfile.Certificates(in(f.Releases.Roots))
			l.keys = release.NewKeys(roots)
			return err
		},
		func() (err error) {
			if f.Officers != "" {
				l.officers, err = desk.ReadOfficers(in(f.Officers))
			}
			return err
		},
	}
	if f.Enrol != nil {
		steps = append(steps, func() (err error) { l.enrol, err = loadEnrol(f.Enrol, in); return err })
	}
	l.config.Older = make([][]byte, len(f.Older))
	for i, name := range f.Older {
		steps = append(steps, bytesOf(&l.config.Older[i], name))
	}
	for id, p := range f.Agencies {
		steps = append(steps, func() error {
			s, err := keyfile.Signer(in(p.Cert), in(p.Key))
			l.config.Agencies[id] = s
			return err
		})
	}
	var faults []error // all at once: one who sets up a portal mends them together
	for _, step := range steps {
		if err := step(); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("read the portal's folder %s: %w", o.dir, err)
	}
	return l, nil
}

func readPool(name string) (*x509.CertPool, error) {
	certs, err := keyfile.Certificates(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

func readAge(name string) ([]age.Identity, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	ids, err := age.ParseIdentities(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ids, nil
}
