package devicetest

import (
	"bytes"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

// mishap is a Mishap and what Transmit must make of it.
type mishap struct {
	m       Mishap
	cause   error // nil: the right answer all the same
	counted int   // APDUs that may have reached the card: never more than one
}

var mishaps = map[string]mishap{
	"card pulled before":    {PulledBefore, device.ErrMediaGone, 0},
	"card pulled after":     {PulledAfter, device.ErrMediaGone, 1},
	"reader falls silent":   {Silence, device.ErrTimeout, 1},
	"reader is deaf":        {Deafness, device.ErrTimeout, 0},
	"answer is damaged":     {Garbled, device.ErrProtocol, 1},
	"stale answer first":    {StaleFirst, nil, 1},
	"answer damaged once":   {GarbledOnce, nil, 1},
	"answer is too late":    {TooLate, device.ErrTimeout, 1},
	"cable pulled meantime": {CablePulled, device.ErrUnplugged, 1},
}

func mishapHappens(t *testing.T, r ReaderRig, m mishap) {
	c := insert(t, r)
	first := []byte{0, 1, 2, 3, 4}
	r.Hands.Next(m.m)
	got, err := r.Dev.Transmit(t.Context(), c.Gen, first)
	if n := r.Hands.Count(); n != m.counted {
		t.Errorf("card got %d APDUs, want %d: nothing is sent twice", n, m.counted)
	}
	if m.cause == nil {
		if err != nil || !bytes.Equal(got, append(bytes.Clone(first), 0x90, 0)) {
			t.Fatalf("Transmit = % X, %v, want the right answer", got, err)
		}
	} else {
		wantError(t, "Transmit", err, m.cause, device.SideEffectUnknown)
		_, err = r.Dev.Transmit(t.Context(), c.Gen, first)
		wantError(t, "Transmit once more", err, device.ErrMediaGone, device.SideEffectNo)
	}
	// Whatever it was, the next card works, and gets its own answers.
	r.Hands.Replug()
	if m.cause != nil {
		// The card may have been found again already, even before it is taken.
		r.Hands.Remove()
		for g := c.Gen; ; {
			n := wait(t, r, g)
			if n == nil {
				break
			}
			g = n.Gen
		}
		c = insert(t, r)
	}
	for i := range byte(3) {
		apdu := []byte{0, 9, 9, i}
		got, err := r.Dev.Transmit(t.Context(), c.Gen, apdu)
		if err != nil || !bytes.Equal(got, append(bytes.Clone(apdu), 0x90, 0)) {
			t.Fatalf("Transmit afterwards = % X, %v, want the right answer", got, err)
		}
	}
}
