package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"reflect"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/plugged"
	"golang.org/x/sys/unix"
)

// id is the gadget's IEEE 1284 id.
const id = "MFG:Penjire;MDL:Emulator;CMD:ESC/POS;CLS:PRINTER;"

// printers tests usblp, with the printer function of the gadget at the far end.
func printers(say func(string, ...any)) error {
	g, err := newGadget("printer", "dummy_udc.0", "0xa4a8", "printer.0", map[string]string{"pnp_string": id, "q_len": "10"})
	if err != nil {
		return err
	}
	at, err := socket(0x0525, 0xa4a8)
	if err != nil {
		return err
	}
	if err := g.at(at); err != nil {
		return err
	}
	if err := lines(say, g, at); err != nil {
		return fmt.Errorf("usblp: %w", err)
	}
	if err := escpos(say, g, at); err != nil {
		return fmt.Errorf("escpos: %w", err)
	}
	return nil
}

// lines holds a line over usblp to the contract of lines.
func lines(say func(string, ...any), g *gadget, at plugged.Device) error {
	dev, err := os.OpenFile("/dev/g_printer0", os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = dev.Close() }()
	ctx := context.Background()
	port := link.USBLP{Path: at.Nodes[0].Path}
	l, err := port.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if err := errors.Join(l.SetReadDeadline(time.Now().Add(patience)), l.SetWriteDeadline(time.Now().Add(patience))); err != nil {
		return err
	}
	buf := make([]byte, 64)
	if _, err := l.Write([]byte("question")); err != nil {
		return err
	}
	if n, err := dev.Read(buf); err != nil || string(buf[:n]) != "question" {
		return fmt.Errorf("the printer read %q, %v", buf[:n], err)
	}
	if _, err := dev.Write([]byte("answer")); err != nil {
		return err
	}
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "answer" {
		return fmt.Errorf("the driver read %q, %v", buf[:n], err)
	}
	if err := l.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := l.Read(buf); !errors.Is(err, device.ErrTimeout) {
		return fmt.Errorf("read of nothing = %v, want ErrTimeout", err)
	}
	say("OK usblp answers")

	p := l.(link.PrinterLine)
	got, err := p.DeviceID()
	// The gadget's length leaves itself out, as that of some printers does: the last
	// letters are lost.
	if err != nil || !reflect.DeepEqual(link.ParseDeviceID(got), link.ParseDeviceID(id)) {
		return fmt.Errorf("id %q, %v, want %q", got, err, id)
	}
	well, err := p.Status()
	if err != nil || well != (link.PortStatus{Selected: true}) {
		return fmt.Errorf("status %+v, %v, want selected alone", well, err)
	}
	const setStatus = 3<<30 | 1<<16 | 'g'<<8 | 0x22 // GADGET_SET_PRINTER_STATUS, linux/usb/g_printer.h
	if err := unix.IoctlSetInt(int(dev.Fd()), setStatus, 0x38); err != nil {
		return err
	}
	if err := unix.SetNonblock(int(dev.Fd()), true); err != nil {
		return err
	}
	out, err := p.Status()
	if err != nil || out != (link.PortStatus{Selected: true, PaperOut: true}) {
		return fmt.Errorf("status %+v, %v, want that there is no paper", out, err)
	}
	d := at.Nodes[0]
	if link.ParseDeviceID(d.ID).Model != "Emulator" || d.Driver != "usblp" {
		return fmt.Errorf("sysfs says %+v", d)
	}
	say("OK usblp is named by sysfs: %v at %s, status without paper %+v", at, d.Path, out)

	if err := l.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	begun := time.Now()
	n, err := l.Write(make([]byte, 1<<20)) // nobody reads
	if !errors.Is(err, device.ErrTimeout) || n == 0 || n == 1<<20 {
		return fmt.Errorf("write to a stalled printer = %d, %v, want a part and ErrTimeout", n, err)
	}
	say("OK usblp stalls and ends: %d bytes were taken in %v", n, time.Since(begun).Round(time.Millisecond))

	if _, err := port.Open(ctx); !errors.Is(err, link.ErrInUse) {
		return fmt.Errorf("open of an open printer = %v, want ErrInUse", err)
	}
	begun = time.Now()
	if err := l.Close(); err != nil {
		return err
	}
	closed := time.Since(begun)
	if l, err = port.Open(ctx); err != nil {
		return fmt.Errorf("open after Close: %w", err)
	}
	say("OK usblp is open once: Close of the stalled line took %v", closed.Round(time.Millisecond))

	read := make(chan error, 1)
	go func() { _, err := l.Read(buf); read <- err }()
	begun = time.Now()
	if err := g.unplug(); err != nil {
		return err
	}
	if err := <-read; !errors.Is(err, device.ErrUnplugged) {
		return fmt.Errorf("read when unplugged = %v, want ErrUnplugged", err)
	}
	took := time.Since(begun)
	if _, err := l.Write([]byte("x")); !errors.Is(err, device.ErrUnplugged) {
		return fmt.Errorf("write when unplugged = %v, want ErrUnplugged", err)
	}
	if err := errors.Join(l.Close(), g.replug()); err != nil {
		return err
	}
	say("OK usblp is unplugged: noticed after %v", took.Round(time.Millisecond))
	return nil
}

// escpos tests the driver of receipt printers over usblp.
func escpos(say func(string, ...any), g *gadget, at plugged.Device) error {
	roll := printer.New(printer.Opts{Speed: 200})
	(&far{path: "/dev/g_printer0"}).serve(roll)
	dev, err := load("escpos", at)
	if err != nil {
		return err
	}
	d := dev.(device.ReceiptPrinter)
	if _, err := until(d, "found", is(d, device.Online)); err != nil {
		return err
	}
	page := image.NewGray(image.Rect(0, 0, d.Width(), 100))
	if out, err := d.Print(context.Background(), page); out != device.Printed || err != nil {
		return fmt.Errorf("print = %v, %v, want Printed", out, err)
	}
	if n := len(roll.Papers()); n != 1 {
		return fmt.Errorf("%d papers came out, want 1", n)
	}
	say("OK escpos prints")
	words, err := replug(d, g.unplug, g.replug)
	if err != nil {
		return fmt.Errorf("%s: %w", words, err)
	}
	say("OK escpos is replugged: %s", words)

	long := image.NewGray(image.Rect(0, 0, d.Width(), 4000))
	roll.After(50, func() { _ = g.unplug() })
	out, err := d.Print(context.Background(), long)
	e, ok := errors.AsType[*device.Error](err)
	if out != device.PrintUnknown || !ok || e.SideEffect != device.SideEffectUnknown {
		return fmt.Errorf("print of what was cut off = %v, %v, want PrintUnknown", out, err)
	}
	if err := g.replug(); err != nil {
		return err
	}
	if _, err := until(d, "found again", is(d, device.Online)); err != nil {
		return err
	}
	say("OK escpos is unplugged in a job: %v", err)
	return d.Halt()
}
