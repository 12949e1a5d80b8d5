package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/cmd/command"
	"github.com/penjire/penjire/sync/edoc/trust"
)

func issueCatalogue(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error {
	var s signing
	s.flags(fs)
	folder := fs.String("packs", "", "`folder` of service packs")
	trustAt := fs.String("trust", "", "signed trust bundle `file`: the version before is checked against it")
	rootsAt := fs.String("roots", "", "PEM `file` of the root certificates")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if err := s.complete(map[string]string{"-packs": *folder, "-trust": *trustAt, "-roots": *rootsAt}); err != nil {
		return err
	}
	b, err := bundleOf(*trustAt, *rootsAt)
	if err != nil {
		return err
	}
	signer, err := s.signer()
	if err != nil {
		return err
	}
	version := uint64(1)
	var before *catalog.Catalogue
	if !s.first {
		if before, err = readCatalogue(s.previous, b); err != nil {
			return err
		}
		version = before.Version + 1
	}
	packs, err := catalog.ReadPacks(os.DirFS(*folder))
	if err != nil {
		return err
	}
	c, err := catalog.Build(version, packs...)
	if err != nil {
		return err
	}
	payload, err := c.Marshal()
	if err != nil {
		return err
	}
	signed, err := trust.SignObjectAt(trust.KindCatalogue, payload, signer, now)
	if err != nil {
		return err
	}
	if _, _, err := trust.OpenObject(trust.KindCatalogue, signed, b); err != nil {
		return fmt.Errorf("kiosks would refuse it: %w", err)
	}
	_, _ = fmt.Fprintf(stdout, "catalogue %d\n%s", c.Version, changes(before, c))
	return s.write(signed)
}

func readCatalogue(name string, b *trust.Bundle) (*catalog.Catalogue, error) {
	signed, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, b)
	if err != nil {
		return nil, err
	}
	return catalog.Parse(payload)
}

// changes says which services are new, changed and gone.
func changes(before, after *catalog.Catalogue) string {
	var out strings.Builder
	was := map[string]int{}
	if before != nil {
		for _, s := range before.Services {
			was[s.ID] = s.Version
		}
	}
	for _, s := range after.Services {
		switch v, ok := was[s.ID]; {
		case !ok:
			_, _ = fmt.Fprintf(&out, "+ %s version %d\n", s.ID, s.Version)
		case v != s.Version:
			_, _ = fmt.Fprintf(&out, "* %s version %d, was %d\n", s.ID, s.Version, v)
		}
		delete(was, s.ID)
	}
	if before != nil {
		for _, s := range before.Services {
			if v, gone := was[s.ID]; gone {
				_, _ = fmt.Fprintf(&out, "- %s version %d\n", s.ID, v)
			}
		}
	}
	return out.String()
}
