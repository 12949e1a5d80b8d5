package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/signing/tpmtest"
)

// A key is made once; OpenSSL takes the request for its certificate.
func TestKey(t *testing.T) {
	chip := tpmtest.Start(t)
	do := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := run(append(append([]string{"key"}, args...), "--tpm", chip.Socket), nil, &out, &errs)
		return code, out.String(), errs.String()
	}
	handle := []string{"--handle", "0x81504B01", "--kiosk", "K-000001"}
	if code, out, _ := do(append([]string{"request"}, handle...)...); code != bad || out != "" {
		t.Errorf("key request without a key: status %d, printed %q", code, out)
	}
	code, made, errs := do(append([]string{"create"}, handle...)...)
	if code != good {
		t.Fatalf("key create: status %d: %s", code, errs)
	}
	cmd := exec.Command("openssl", "req", "-verify", "-noout", "-subject")
	cmd.Stdin = strings.NewReader(made)
	b, err := cmd.CombinedOutput()
	if s := string(b); err != nil || !strings.Contains(s, "OU = kiosk") || !strings.Contains(s, "serialNumber = K-000001") {
		t.Errorf("openssl: %v\n%s", err, b)
	}
	_, again, who := do(append([]string{"request"}, handle...)...)
	if !strings.HasPrefix(again, "-----BEGIN CERTIFICATE REQUEST") || who != errs {
		t.Errorf("key request: %q, %q; want the request of the same key, %q", again, who, errs)
	}
	if code, out, errs := do(append([]string{"create"}, handle...)...); code != bad || out != "" || !strings.Contains(errs, "hint: penjire key request") {
		t.Errorf("key create where a key is: status %d, printed %q, %q", code, out, errs)
	}
	for _, args := range [][]string{
		{},
		{"delete"},
		{"create"},
		{"create", "--handle", "0x81504B02"},
		{"create", "--kiosk", "K-1", "--handle", "7"},
		{"create", "--kiosk", "K 1", "--handle", "0x81504B02"},
		append([]string{"create", "x"}, handle...),
	} {
		if code := run(append([]string{"key"}, args...), nil, new(bytes.Buffer), new(bytes.Buffer)); code != usage {
			t.Errorf("key %v: status %d, want %d", args, code, usage)
		}
	}
}
