package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
)

// echo is a card that says every command back.
type echo struct{}

// Activate implements pn532emu.Card.
func (echo) Activate() (uid, ats []byte) {
	return []byte{0x08, 0x01, 0x02, 0x03}, []byte{0x78, 0x80, 0x70, 0x02}
}

// Transmit implements pn532emu.Card.
func (echo) Transmit(apdu []byte) []byte { return append(bytes.Clone(apdu), 0x90, 0x00) }

// readers tests a card reader over cdc_acm, here, and over ftdi_sio, with the reader
// in the hands of the machine's owner.
func readers(say func(string, ...any)) error {
	g, err := newGadget("reader", "dummy_udc.1", "0xa4a7", "acm.0", nil)
	if err != nil {
		return err
	}
	chip := new(pn532emu.Chip)
	chip.Insert(echo{})
	(&far{path: "/dev/ttyGS0", raw: true}).serve(chip)
	at, err := socket(0x0525, 0xa4a7)
	if err != nil {
		return err
	}
	if err := g.at(at); err != nil {
		return err
	}
	acm := read(say, "acm", 0x0525, 0xa4a7, g.unplug, g.replug)
	say("WANT plug")
	order := func(what string) func() error { return func() error { say("WANT %s", what); return nil } }
	return errors.Join(acm, read(say, "ftdi", 0x0403, 0x6001, order("unplug"), order("plug")))
}

func read(say func(string, ...any), name string, vendor, product uint16, pull, plug func() error) error {
	at, err := socket(vendor, product)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	dev, err := load("pn532-hsu", at)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r := dev.(device.CardReader)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := r.Wait(ctx, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := r.Transmit(ctx, c.Gen, []byte{0x00, 0xA4, 0x04, 0x00}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	say("OK %s reader reads: %v on %s", name, at, at.Nodes[0].Path)
	words, err := replug(r, pull, plug)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", name, words, err)
	}
	if _, err := r.Wait(ctx, 0); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	say("OK %s reader is replugged: %s", name, words)
	return r.Halt()
}
