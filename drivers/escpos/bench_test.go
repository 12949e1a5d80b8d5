package escpos_test

import (
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link"
)

// BenchmarkReceipt prints a receipt of 20 cm through a pseudo-terminal on a
// printer without a mechanism: what is measured is ours.
func BenchmarkReceipt(b *testing.B) {
	p := printer.New(printer.Opts{})
	port, err := pty.Attach(filepath.Join(b.TempDir(), "printer"), p)
	if err != nil {
		b.Fatal(err)
	}
	d, err := escpos.New(link.Serial{Path: port.Path()}, escpos.Opts{})
	if err != nil {
		b.Fatal(err)
	}
	changes := d.Changes(b.Context())
	for d.Health() != device.Online {
		<-changes
	}
	m := devicetest.Ticket(576, 1600, 1)
	b.SetBytes(576 / 8 * 1600)
	for b.Loop() {
		if out, err := d.Print(b.Context(), m); out != device.Printed || err != nil {
			b.Fatalf("Print = %v, %v, want Printed", out, err)
		}
	}
	if err := d.Halt(); err != nil {
		b.Error(err)
	}
	if err := port.Close(); err != nil {
		b.Error(err)
	}
}
