package pn532emu_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// TestLibnfcReadsTheChip has nfc-list of libnfc, which did not write the
// emulator, find the reader and the card in it.
func TestLibnfcReadsTheChip(t *testing.T) {
	path, err := exec.LookPath("nfc-list")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer nfc-list is missing: %v (apt-get install libnfc-bin)", err)
		}
		t.Skip("LEFT OUT: the peer nfc-list is not installed; the reader emulator was not checked against libnfc")
	}
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
	list := func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, "-v")
		cmd.Env = append(os.Environ(), "LIBNFC_DEVICE=pn532_uart:"+port.Path())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("nfc-list: %v\n%s", err, out)
		}
		return string(out)
	}
	if out := list(); !strings.Contains(out, "NFC device: user defined device opened") || strings.Contains(out, "UID") {
		t.Errorf("nfc-list without a card = %s\nwant the reader and no card", out)
	}
	chip.Insert(specimen{})
	out := list()
	t.Log(out)
	for _, want := range []string{
		"1 ISO14443A passive target(s) found",
		"SAK (SEL_RES): 20",
		"ATS: 78  80  70  02",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("nfc-list with a card lacks %q:\n%s", want, out)
		}
	}
}

// specimen is a card with nothing on it.
type specimen struct{}

func (specimen) Activate() (uid, ats []byte) {
	return []byte{0x08, 0x12, 0x34, 0x56}, []byte{0x78, 0x80, 0x70, 0x02}
}

func (specimen) Transmit([]byte) []byte { return []byte{0x6D, 0x00} }
