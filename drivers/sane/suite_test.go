package sane_test

import (
	"context"
	"image"
	"net"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/sanescanner"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/sane"
)

// hands are an emulated scanner's, and its network's.
type hands struct {
	*sanescanner.Scanner
	unplug, replug func()
}

func (h hands) Unplug() { h.unplug() }
func (h hands) Replug() { h.replug() }

func (h hands) Next(m devicetest.ImageMishap) {
	h.Scanner.Next(map[devicetest.ImageMishap]sanescanner.Kind{
		devicetest.PictureCut: sanescanner.CutPicture, devicetest.PictureSilence: sanescanner.StillPicture,
		devicetest.PictureShort: sanescanner.ShortPicture, devicetest.PictureGarbage: sanescanner.GarbageStart,
	}[m])
}

func (h hands) SetFeeder(p device.Paper, c device.Cover) {
	status := sanescanner.Good
	switch {
	case c == device.CoverOpen:
		status = sanescanner.Open
	case p == device.PaperJammed:
		status = sanescanner.Jammed
	case p == device.PaperOut:
		status = sanescanner.NoSheet
	}
	h.Scanner.SetFeeder(status)
}

func shows(m image.Image, dpi int) image.Image {
	if dpi == 0 {
		dpi = sanescanner.BaseDPI
	}
	return sanescanner.Picture(m, dpi, false)
}

func drive(t *testing.T, addr string, o sane.Opts) *sane.Dev {
	t.Helper()
	if o.Stall == 0 {
		o.Stall, o.Start = 2*time.Second, 3*time.Second
	}
	d, err := sane.New(addr, o)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d
}

func newScanner() *sanescanner.Scanner {
	s := new(sanescanner.Scanner)
	s.Lay(devicetest.Sheet(0))
	return s
}

func inMemory(t *testing.T) devicetest.ImageRig {
	s, n := newScanner(), linktest.NewNetwork(t)
	s.Listen = n.Listen
	n.Serve(6566, s)
	return devicetest.ImageRig{
		Dev: drive(t, "scanner", sane.Opts{Dial: n.Dial}), Hands: hands{s, n.Unplug, n.Replug}, Feeds: true, Shows: shows,
	}
}

func TestSuite(t *testing.T) { devicetest.ImageScanner(t, devicetest.Faked, inMemory) }

// onTCP plugs the scanner in over loopback, and checks that nothing is left open.
func onTCP(t *testing.T) devicetest.ImageRig {
	t.Cleanup(devicetest.Leaks(t))
	s := newScanner()
	s.Listen = func(int) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	p := plug(t, s)
	return devicetest.ImageRig{
		Dev:   drive(t, p.addr, sane.Opts{Poll: 100 * time.Millisecond, Reopen: 50 * time.Millisecond, Stall: time.Second}),
		Hands: hands{s, p.unplug, p.replug}, Feeds: true, Shows: shows,
	}
}

func TestSuiteOnTCP(t *testing.T) { devicetest.ImageScanner(t, devicetest.Real, onTCP) }

// liar is a driver that breaks its contract.
type liar struct {
	device.ImageScanner
	kept image.Image
}

func (l *liar) Capture(ctx context.Context, dpi int) (image.Image, error) {
	img, err := l.ImageScanner.Capture(ctx, dpi)
	switch devicetest.Lie() {
	case "keeps a picture":
		if l.kept != nil {
			return l.kept, nil
		}
		l.kept = img
	case "tries again":
		if err != nil {
			return l.ImageScanner.Capture(ctx, dpi)
		}
	}
	return img, err
}

func TestLiar(t *testing.T) {
	if devicetest.Lie() == "" {
		return // TestSuite is the same with the truth
	}
	devicetest.ImageScanner(t, devicetest.Faked, func(t *testing.T) devicetest.ImageRig {
		r := inMemory(t)
		r.Dev = &liar{ImageScanner: r.Dev}
		return r
	})
}

func TestSuiteCatchesLiars(t *testing.T) {
	devicetest.Caught(t, "TestLiar", "keeps a picture", "tries again")
}
