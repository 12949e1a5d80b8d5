package emrtdcard_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// need returns the path of a program that is not ours.
func need(t *testing.T, program, pkg, otherwise string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer %s is missing: %v (apt-get install %s)", program, err, pkg)
		}
		t.Skipf("LEFT OUT: the peer %s is not installed; %s", program, otherwise)
	}
	return path
}

// run runs a program in dir and returns what it prints.
func run(t *testing.T, dir string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func specimen(t *testing.T, ways ...emrtdcard.PACE) (*emrtdcard.Issuer, emrtdcard.Profile) {
	t.Helper()
	i, err := emrtdcard.NewIssuer(emrtdcard.IssuerOpts{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := emrtdcard.Specimen(i, ways...)
	if err != nil {
		t.Fatal(err)
	}
	return i, p
}

// TestLibmrtdReadsTheCard has mrtdreader, which knows BAC and did not write the
// card, open it in an emulated reader behind a pseudo-terminal and take its
// picture out.
func TestLibmrtdReadsTheCard(t *testing.T) {
	path := need(t, "mrtdreader", "mrtdreader", "the passport emulator was not checked against libmrtd")
	_, p := specimen(t, emrtdcard.PACEBrainpool)
	card := emrtdcard.New(p)
	var chip pn532emu.Chip
	port, err := pty.Attach(filepath.Join(t.TempDir(), "reader"), &chip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	chip.Insert(card)
	read := func(number string) (out, dir string) {
		dir = t.TempDir()
		out, err := run(t, dir, []string{"LIBNFC_DEVICE=pn532_uart:" + port.Path()}, path, "-p", number, "-b", "740812", "-e", "350415")
		t.Logf("mrtdreader: %v\n%s", err, out)
		return out, dir
	}
	picture := card.File(lds.DG2.File())
	picture = picture[bytes.Index(picture, []byte("\xFF\xD8\xFF")):]
	got := func(dir string) []byte {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, picture) {
				return b
			}
		}
		return nil
	}
	out, dir := read("L898902C3")
	if !strings.Contains(out, "ERIKSSON") || got(dir) == nil {
		t.Errorf("mrtdreader = %s\nwant the zone, and the picture in a file", out)
	}
	out, dir = read("L898902C4")
	if strings.Contains(out, "ERIKSSON") || got(dir) != nil {
		t.Errorf("mrtdreader with another number = %s\nwant nothing of the card", out)
	}
}
