package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// trustFlags say where the trust bundle is, and what belongs to it.
type trustFlags struct {
	at, roots, catalogue, revoked string

	dir string // where the bundle was; known once it is read
}

func (f *trustFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&f.at, "trust", "", "signed trust bundle, or a `folder` with trust.cbor and roots.pem")
	fs.StringVar(&f.roots, "roots", "", "PEM `file` of root certificates; default roots.pem beside the bundle")
}

func (f *trustFlags) addCatalogue(fs *flag.FlagSet) {
	fs.StringVar(&f.catalogue, "catalogue", "", "signed catalogue of services, for certificates limited to some; default catalogue.cbor beside the bundle, if it is there")
}

func (f *trustFlags) addRevoked(fs *flag.FlagSet) {
	fs.StringVar(&f.revoked, "revoked", "", "signed list of revoked seals; default revoked-seals.signed beside the bundle, if it is there")
}

func (f *trustFlags) given() bool { return f.at != "" || f.roots != "" }

// bundle returns the trust bundle; nil with the error that says why there is none.
func (f *trustFlags) bundle() (*trust.Bundle, error) {
	at, roots := f.at, f.roots
	if at == "" {
		s, err := settings.Load("/etc/penjire/settings.json")
		if err != nil {
			return nil, err
		}
		if roots == "" {
			roots = s.Roots
		}
		at = filepath.Join(s.State, "trust.signed")
		if _, err := os.Stat(at); err != nil {
			at = s.Trust
		}
	}
	f.dir = at
	if st, err := os.Stat(at); err != nil || !st.IsDir() {
		f.dir = filepath.Dir(at)
	}
	return readBundle(at, roots)
}

// beside returns what named says, else the first file of those names in the
// bundle's folder; "" if there is none.
func (f *trustFlags) beside(named string, names ...string) string {
	if named != "" {
		return named
	}
	for _, n := range names {
		at := filepath.Join(f.dir, n)
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return ""
}

// services returns the catalogue; nil if there is none and none was asked for.
func (f *trustFlags) services(b *trust.Bundle) (*catalog.Catalogue, error) {
	at := f.beside(f.catalogue, "catalogue.signed", "catalogue.cbor") // as a kiosk keeps it, and as it is handed out
	if at == "" {
		return nil, nil
	}
	signed, err := readSmall(at)
	if err != nil {
		return nil, err
	}
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, b)
	if err != nil {
		return nil, err
	}
	return catalog.Parse(payload)
}

// revokedSeals returns the list of revoked seals; nil if there is none and none
// was asked for.
func (f *trustFlags) revokedSeals(b *trust.Bundle) (*trust.RevokedSeals, error) {
	at := f.beside(f.revoked, "revoked-seals.signed")
	if at == "" {
		return nil, nil
	}
	signed, err := readSmall(at)
	if err != nil {
		return nil, err
	}
	return trust.ParseRevokedSeals(signed, b, 0)
}

// errNotGenuine is wrapped by what is wrong with a trust bundle that can be read.
var errNotGenuine = errors.New("the trust bundle is not to be believed")

// readBundle reads the bundle at a file or in a folder; roots is "" for
// roots.pem beside it.
func readBundle(at, roots string) (*trust.Bundle, error) {
	if st, err := os.Stat(at); err == nil && st.IsDir() {
		at = filepath.Join(at, "trust.cbor")
	}
	if roots == "" {
		roots = filepath.Join(filepath.Dir(at), "roots.pem")
	}
	cs, err := keyfile.Certificates(roots)
	if err != nil {
		return nil, err
	}
	signed, err := readSmall(at)
	if err != nil {
		return nil, fmt.Errorf("read the trust bundle: %w", err)
	}
	b, err := trust.ParseBundle(signed, cs, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errNotGenuine, at, err)
	}
	return b, nil
}
