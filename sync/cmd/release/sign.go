package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/cmd/command"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/release"
)

// signBundle describes a bundle and signs that.
func signBundle(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) (err error) {
	cert, key := fs.String("cert", "", "`file` of the release key's certificate"), fs.String("key", "", "`file` of the key")
	lists := fs.String("lists", "", "`file` of the key lists so far")
	r := release.Release{Issued: now}
	fs.StringVar(&r.Board, "board", "", "`name` of the board")
	fs.StringVar(&r.Version, "version", "", "for people")
	build, formats := fs.String("build", "", "`number`, or RFC 3339 time of the sources"), fs.String("formats", "1-1", "data formats that it works with: `MIN-MAX`")
	fs.Int64Var(&r.Room, "room", 0, "`bytes` of a slot; 0: as the bundle")
	ring, by := fs.String("ring", "broad", "the widest `ring`"), fs.String("by", "", "RFC 3339 `time` from which no quiet hours are waited for")
	out := fs.String("out", "", "`file`; default: beside the bundle, as *.release")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if *cert == "" || *key == "" || r.Board == "" || r.Version == "" || *build == "" || fs.NArg() != 1 {
		return command.ErrUsage
	}
	if r.Build, err = strconv.ParseUint(*build, 10, 64); err != nil {
		at, err := time.Parse(time.RFC3339, *build)
		if err != nil || at.Unix() <= 0 {
			return fmt.Errorf("-build %q: want a number or a time", *build)
		}
		r.Build = uint64(at.Unix())
	}
	if _, err := fmt.Sscanf(*formats, "%d-%d", &r.Formats.Min, &r.Formats.Max); err != nil {
		return fmt.Errorf("-formats %q: want MIN-MAX", *formats)
	}
	if r.Ring, err = release.ParseRing(*ring); err != nil {
		return err
	}
	if *by != "" {
		if r.By, err = time.Parse(time.RFC3339, *by); err != nil {
			return fmt.Errorf("-by: %w", err)
		}
	}
	s, err := keyfile.Signer(*cert, *key)
	if err != nil {
		return err
	}
	all, err := readLists(*lists)
	if err != nil {
		return err
	}
	f, err := os.Open(fs.Arg(0))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was read only
	if r.Content, err = release.Describe(f); err != nil {
		return err
	}
	if r.Room == 0 {
		r.Room = r.Content.Size
	}
	signed, err := r.Sign(s, all...)
	if err != nil {
		return err
	}
	name := *out
	if name == "" {
		name = strings.TrimSuffix(fs.Arg(0), ".raucb") + ".release"
	}
	if err := os.WriteFile(name, signed, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: %s for %s, build %d, %d bytes in %d chunks, signed by %s\n",
		name, r.Version, r.Board, r.Build, r.Content.Size, r.Content.Count(), s.Cert.Subject.CommonName)
	return err
}

// show says what a description says, and, with roots, whether it is believed.
func show(fs *flag.FlagSet, args []string, _ time.Time, stdout io.Writer) error {
	roots := fs.String("roots", "", "PEM `file` of the roots in the image")
	if err := command.Parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return command.ErrUsage
	}
	signed, err := os.ReadFile(fs.Arg(0))
	if err != nil {
		return err
	}
	r, err := release.Read(signed)
	if err != nil {
		return err
	}
	due := "never"
	if !r.By.IsZero() {
		due = r.By.Format(time.RFC3339)
	}
	_, err = fmt.Fprintf(stdout, "board %s\nversion %s\nbuild %d\ndata formats %d to %d\nbundle %d bytes, SHA-256 %x\nring %s\nmandatory from %s\nissued %s\n",
		r.Board, r.Version, r.Build, r.Formats.Min, r.Formats.Max, r.Content.Size, r.Content.SHA256, r.Ring, due, r.Issued.Format(time.RFC3339))
	if err != nil || *roots == "" {
		return err
	}
	certs, err := keyfile.Certificates(*roots)
	if err != nil {
		return err
	}
	_, keys, err := release.Open(signed, release.NewKeys(certs))
	if err != nil {
		code := string(release.CodeOf(err))
		return errors.Join(err, errors.New(release.Say("en", code).Says))
	}
	_, err = fmt.Fprintf(stdout, "believed, with key list %d\n", keys.Version())
	return err
}
