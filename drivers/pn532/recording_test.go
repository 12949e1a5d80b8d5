package pn532_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/link/recording"
	"github.com/penjire/penjire/drivers/pn532"
)

// TestRecordingPlaysBack records a reader that finds a card, and has the driver
// find the same card in the recording.
func TestRecordingPlaysBack(t *testing.T) {
	find := func(t *testing.T, port link.Port) []byte {
		t.Helper()
		d, err := pn532.New(port, pn532.Opts{})
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Wait(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		// Before the driver looks whether the card is still there.
		if err := d.Halt(); err != nil {
			t.Fatal(err)
		}
		return c.UID
	}
	path := filepath.Join(t.TempDir(), "recording")
	f, err := recording.Create(path, "PN532 emulator")
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	synctest.Test(t, func(t *testing.T) {
		chip := new(pn532emu.Chip)
		chip.Insert(new(devicetest.Card))
		want = find(t, f.Port(linktest.Plug(t, "reader", chip)))
	})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if got := find(t, linktest.PlayFile(t, path)); len(got) == 0 || !bytes.Equal(got, want) {
			t.Errorf("played back: card %X, want %X", got, want)
		}
	})
}
