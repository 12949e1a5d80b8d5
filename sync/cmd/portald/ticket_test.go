package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/service"
)

func TestTicket(t *testing.T) {
	dir, w := folder(t)
	out := filepath.Join(t.TempDir(), service.FileName)
	var stdout, stderr bytes.Buffer
	args := []string{"ticket", "-dir", dir, "-kiosk", "K-000001", "-do", "verbose", "-for", "2h", "-o", out}
	if st := run(t.Context(), args, &stdout, &stderr); st != 0 {
		t.Fatalf("status %d: %s", st, stderr.String())
	}
	signed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	k, err := service.Open(signed, w.Trust(), "K-000001", time.Now())
	if err != nil || k.Action != service.Verbose || k.For != 2*time.Hour {
		t.Errorf("the ticket is %+v, %v", k, err)
	}
	if st := run(t.Context(), args, &stdout, &stderr); st != 1 || !strings.Contains(stderr.String(), "file exists") {
		t.Errorf("over a file that is there: status %d: %s", st, stderr.String())
	}
	for _, bad := range [][]string{
		{"ticket", "-dir", dir, "-kiosk", "K-000001", "-do", "everything"},
		{"ticket", "-dir", dir, "-do", "support"},
		{"ticket", "-kiosk", "K-000001", "-do", "support"},
	} {
		if st := run(t.Context(), bad, &stdout, &stderr); st != 2 {
			t.Errorf("%q: status %d, want 2", bad, st)
		}
	}
	if st := run(t.Context(), []string{"ticket", "-dir", dir, "-kiosk", "K-000001", "-do", "support", "-good", "1000h", "-o", out + "2"}, &stdout, &stderr); st != 1 {
		t.Errorf("a ticket for six weeks: status %d, want 1", st)
	}
}

func TestProof(t *testing.T) {
	dir, w := folder(t)
	p := service.Proof{Kiosk: w.Device.ID, At: time.Now().UTC().Truncate(time.Second), Ticket: [16]byte{1}, Size: 7, Keys: 4}
	signed, err := p.Sign(w.Device.Signing.Signer())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "proof")
	if err := os.WriteFile(path, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if st := run(t.Context(), []string{"proof", "-dir", dir, path}, &stdout, &stderr); st != 0 || !strings.Contains(stdout.String(), "kiosk K-000001 went out of service") {
		t.Errorf("status %d: %s%s", st, stdout.String(), stderr.String())
	}
	signed[len(signed)-1] ^= 1
	if err := os.WriteFile(path, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	if st := run(t.Context(), []string{"proof", "-dir", dir, path}, &stdout, &stderr); st != 1 {
		t.Errorf("a changed proof: status %d, want 1", st)
	}
}
