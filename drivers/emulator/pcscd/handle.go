package pcscd

import (
	"bytes"
	"slices"

	"github.com/penjire/penjire/drivers/pcsc"
)

// state is what the original looks at before it does anything with a card
// (RFCheckReaderEventState). d.mu is held.
func (d *Daemon) state(h *handle) pcsc.Code {
	switch {
	case !d.reader:
		return pcsc.ReaderUnavailable
	case h.removed:
		return pcsc.RemovedCard
	case h.reset:
		return pcsc.ResetCard
	case d.card == nil:
		return pcsc.NoSmartcard
	}
	return pcsc.OK
}

// order carries out what is answered with nothing but a code.
func (c *client) order(cmd pcsc.Command, id uint32, h *handle, b []byte) pcsc.Code {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	switch cmd {
	case pcsc.Reconnect:
		if d.card == nil {
			return pcsc.NoSmartcard
		}
		h.reset, h.removed = false, false
		if pcsc.Word(b, 3) == pcsc.ResetCardPower {
			d.reset(h)
		}
	case pcsc.Disconnect:
		delete(c.handles, id)
		if d.lock == id {
			d.lock, d.excl = 0, false
		}
		if pcsc.Word(b, 1) == pcsc.ResetCardPower && d.card != nil {
			d.reset(nil)
		}
	case pcsc.BeginTransaction:
		if code := d.state(h); code != pcsc.OK {
			return code
		}
		if d.foreign || d.lock != 0 && d.lock != id {
			return pcsc.SharingViolation
		}
		d.lock = id
	case pcsc.EndTransaction:
		if d.lock == id && !d.excl {
			d.lock = 0
		}
	}
	return pcsc.OK
}

// transmit is SCARD_TRANSMIT: 32 bytes there and back, each followed by an APDU.
func (c *client) transmit(id uint32, h *handle, b []byte) bool {
	d := c.d
	apdu, ok := c.read(pcsc.Word(b, 3))
	if !ok {
		return false
	}
	answer := func(id uint32, code pcsc.Code, r []byte) []byte {
		out := pcsc.Words(id, pcsc.Word(b, 1), 16, pcsc.Word(b, 3), pcsc.Word(b, 1), 16, uint32(len(r)), uint32(code))
		return append(out, r...)
	}
	d.mu.Lock()
	code := d.state(h)
	if d.lock != 0 && d.lock != id || d.foreign {
		code = pcsc.SharingViolation
	}
	uid, contactless := d.uid, d.o.Contactless
	d.mu.Unlock()
	if code != pcsc.OK {
		return c.write(answer(id, code, nil))
	}
	if contactless && slices.Equal(apdu, []byte{0xFF, 0xCA, 0x00, 0x00, 0x00}) {
		return c.write(answer(id, pcsc.OK, append(bytes.Clone(uid), 0x90, 0x00)))
	}
	return c.faulty(d.takeFault(), apdu, func(code pcsc.Code, r []byte) []byte {
		if code != pcsc.OK {
			r = nil
		}
		return answer(id, code, r)
	}, func(r []byte) []byte { return answer(id+1, pcsc.OK, r) })
}

// faulty gives the card the APDU, with the fault f.
func (c *client) faulty(f Fault, apdu []byte, answer func(pcsc.Code, []byte) []byte, garbled func([]byte) []byte) bool {
	d := c.d
	switch f {
	case PullBefore:
		d.Remove()
	case Deaf:
		return c.hang()
	}
	d.mu.Lock()
	card, before := d.card, d.events
	if card != nil {
		d.count++
	}
	d.mu.Unlock()
	if card == nil {
		return c.write(answer(pcsc.NotTransacted, nil))
	}
	r := card.Transmit(apdu)
	if f == PullAfter || f == Empty {
		d.Remove()
	}
	d.mu.Lock()
	same := d.events == before && d.reader
	d.mu.Unlock()
	switch {
	case f == Empty:
		return c.write(answer(pcsc.OK, nil))
	case !same || f == Slip:
		return c.write(answer(pcsc.NotTransacted, nil))
	case f == Mute:
		return c.hang()
	case f == Garble:
		return c.write(garbled(r))
	case f == Late:
		_, ok := c.read(1)
		return ok && c.write(answer(pcsc.OK, r)) && c.hang()
	}
	return c.write(answer(pcsc.OK, r))
}

// hang waits until the client gives up.
func (c *client) hang() bool {
	for {
		if _, ok := c.read(1); !ok {
			return false
		}
	}
}
