package main

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/firmware/signing/tpm"
)

var kioskNumber = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

// key makes a key in the TPM, or finds the one that is there, and prints the
// request for its certificate.
func key(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	wrong := func(format string, v ...any) int {
		_, _ = fmt.Fprintf(stderr, "penjire: "+format+"\n%s", append(v, help)...)
		return usage
	}
	if len(args) == 0 || args[0] != "create" && args[0] != "request" {
		return wrong("key takes create or request")
	}
	fs := flag.NewFlagSet("penjire key "+args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	device := fs.String("tpm", "/dev/tpmrm0", "`path` of the TPM")
	at := fs.String("handle", "", "`handle` of the key, 0x81000000 to 0x817FFFFF")
	kiosk := fs.String("kiosk", "", "`number` of the kiosk that the certificate is for")
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return good
		}
		return usage
	}
	h, err := strconv.ParseUint(*at, 0, 32)
	switch {
	case fs.NArg() > 0:
		return wrong("key takes no %q", fs.Arg(0))
	case err != nil || h < uint64(tpm.FirstHandle) || h > uint64(tpm.LastHandle):
		return wrong("--handle: got %q, want %#x to %#x", *at, tpm.FirstHandle, tpm.LastHandle)
	case !kioskNumber.MatchString(*kiosk):
		return wrong("--kiosk: got %q, want the kiosk's number", *kiosk)
	}
	make := tpm.At(*device).Create
	if args[0] == "request" {
		make = tpm.At(*device).Find
	}
	k, err := make(ctx, uint32(h))
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		if errors.Is(err, tpm.ErrTaken) {
			_, _ = fmt.Fprintln(stderr, "hint: penjire key request prints the request of the key that is there")
		}
		return bad
	}
	csr, err := signing.Request(k, *kiosk)
	if err == nil {
		var id string
		if id, err = keyID(k); err == nil {
			_, _ = fmt.Fprintf(stderr, "penjire: key %s at %#x in %s; the request for its certificate follows\n", id, h, *device)
			_, err = stdout.Write(csr)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return bad
	}
	return good
}

// keyID is how people compare a key with its request: the first bytes of it.
func keyID(k *tpm.Key) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(der[len(der)-64:][:8]), nil
}
