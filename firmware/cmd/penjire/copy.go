package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/edoc/seal"
)

// copyFlags say what a copy is made of.
type copyFlags struct {
	trustFlags
	seal, portal, code, out string
}

// copyCommand makes the certified A4 copy of an answer as PDF.
func copyCommand(args []string, stdout, stderr io.Writer) int {
	var f copyFlags
	fs := flag.NewFlagSet("penjire copy", flag.ContinueOnError)
	fs.SetOutput(stderr)
	f.add(fs)
	f.addCatalogue(fs)
	f.addRevoked(fs)
	fs.StringVar(&f.seal, "seal", "", "the `text` of the printed seal, for a container without one")
	fs.StringVar(&f.portal, "portal", "", "`address` at which copies are checked, https://…; default that of the seal")
	fs.StringVar(&f.code, "code", "", "tracking `code` that opens a sealed answer")
	fs.StringVar(&f.out, "o", "", "`file` to write, - for standard output; default the answer's name with .pdf")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return good
		}
		return usage
	}
	if fs.NArg() != 1 {
		_, _ = fmt.Fprintf(stderr, "penjire: copy wants one answer, after the flags\n%s", help)
		return usage
	}
	pdf, err := f.certified(fs.Arg(0), time.Now())
	switch {
	case errors.Is(err, paper.ErrNotCertified):
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return bad
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return usage
	}
	if f.out == "" {
		f.out = strings.TrimSuffix(fs.Arg(0), filepath.Ext(fs.Arg(0))) + ".pdf"
	}
	if f.out == "-" {
		_, err = stdout.Write(pdf)
	} else {
		err = os.WriteFile(f.out, pdf, 0o600)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: write the copy: %v\n", err)
		return usage
	}
	return good
}

// certified reads what the copy is made of, and makes it.
func (f *copyFlags) certified(path string, now time.Time) ([]byte, error) {
	b, err := f.bundle()
	if err != nil {
		return nil, fmt.Errorf("whom to trust is not known: %w", err)
	}
	src := paper.Source{Bundle: b, Now: now, Portal: f.portal}
	if src.Revoked, err = f.revokedSeals(b); err != nil {
		return nil, err
	}
	p, err := f.packet(path)
	if err != nil {
		return nil, err
	}
	if src.Answer, err = edoc.Parse(p.Container); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	switch {
	case f.seal != "":
		src.Seal, err = seal.Parse(f.seal)
		if base, _, found := strings.Cut(f.seal, "/V/"); found && f.portal == "" {
			src.Portal = strings.ToLower(base)
		}
	case p.Seal != nil:
		src.Seal, err = seal.ParseBytes(p.Seal)
	}
	if err != nil {
		return nil, fmt.Errorf("read the seal: %w", err)
	}
	if src.Portal == "" && src.Seal != nil {
		return nil, errors.New("where the copy is checked is not known\nhint: --portal https://… names the portal")
	}
	cat, err := f.services(b)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	if cat != nil {
		src.Service, _ = cat.Service(src.Answer.Document().Service)
	}
	if f.code != "" {
		if src.Code, err = edoc.ParseCode(f.code); err != nil {
			return nil, err
		}
	}
	return paper.Certified(src)
}

// packet reads a container, an answer packet, or one that is sealed to a code.
func (f *copyFlags) packet(path string) (envelope.Packet, error) {
	data, err := readSmall(path)
	if err != nil {
		return envelope.Packet{}, err
	}
	if bytes.HasPrefix(data, []byte("PK")) {
		return envelope.Packet{Container: data}, nil
	}
	if bytes.HasPrefix(data, []byte("age-encryption.org/")) {
		code, err := edoc.ParseCode(f.code)
		if err != nil {
			return envelope.Packet{}, fmt.Errorf("open the sealed answer with --code: %w", err)
		}
		if data, err = envelope.OpenWithCode(data, code); err != nil {
			return envelope.Packet{}, err
		}
	}
	return envelope.ParsePacket(data)
}
