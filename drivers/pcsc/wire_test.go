package pcsc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link/linktest"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// list is a list of readers with these, one after the other.
func list(rs ...ReaderState) []byte {
	var b []byte
	for _, r := range rs {
		b = append(b, r.Marshal()...)
	}
	return append(b, make([]byte, Readers*StateSize-len(b))...)
}

func TestParseStates(t *testing.T) {
	r := ReaderState{Name: "Virtual PCD 00 00", Events: 3, State: StatePresent | StatePowered, ATR: []byte{0x3B, 0x00}, Protocol: ProtocolT1}
	got, err := ParseStates(list(ReaderState{}, r, ReaderState{Name: "Other"}))
	if err != nil || len(got) != 2 || got[0].Name != r.Name || got[0].Events != 3 || got[0].State != r.State ||
		!bytes.Equal(got[0].ATR, r.ATR) || got[0].Protocol != ProtocolT1 || got[1].Name != "Other" {
		t.Errorf("ParseStates = %+v, %v, want %+v and Other", got, err, r)
	}
	// The reader is being powered: the card is not there yet.
	b := list(r)
	copy(b[NameSize+12+36:], Words(atrSize+1))
	if got, err := ParseStates(b); err != nil || got[0].State&StatePresent != 0 {
		t.Errorf("ParseStates of a card being powered = %+v, %v, want no card", got, err)
	}
	endless := list(r)
	copy(endless, bytes.Repeat([]byte{'x'}, NameSize))
	for _, bad := range [][]byte{nil, endless, b[:len(b)-1]} {
		if got, err := ParseStates(bad); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("ParseStates of %d bytes = %+v, %v, want ErrProtocol", len(bad), got, err)
		}
	}
}

func FuzzParseStates(f *testing.F) {
	f.Add(list(ReaderState{Name: "a", ATR: []byte{0x3B}, State: StatePresent}))
	f.Add(list())
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseStates(b)
		if err != nil {
			return
		}
		again, err := ParseStates(list(got...))
		if err != nil || len(again) != len(got) {
			t.Fatalf("ParseStates of Marshal = %+v, %v, want %+v", again, err, got)
		}
		for i := range got {
			if again[i].Name != got[i].Name || again[i].Events != got[i].Events || !bytes.Equal(again[i].ATR, got[i].ATR) {
				t.Errorf("ParseStates of Marshal = %+v, want %+v", again[i], got[i])
			}
		}
	})
}

// TestVersions plays the beginning with daemons of several versions. The bytes
// to 4:4 are those that libpcsclite 1.9.9 sends.
func TestVersions(t *testing.T) {
	if Words(1)[0] != 1 {
		t.Skip("LEFT OUT: these bytes are of a little-endian machine")
	}
	const refused = "1e001080"
	offer := func(minor string) []byte { return unhex(t, "0c00000011000000"+"04000000"+minor+"000000"+"00000000") }
	establish := linktest.IO{Note: "SCardEstablishContext", W: unhex(t, "0c00000001000000"+"020000000000000000000000"), R: unhex(t, "020000007856341200000000")}
	for name, v := range map[string]struct {
		ops []linktest.IO
		err error
	}{
		"4:4": {ops: []linktest.IO{
			{Note: "CMD_VERSION 4:4", W: offer("04"), R: unhex(t, "040000000400000000000000")}, establish,
		}},
		"4:5 refuses 4:4": {ops: []linktest.IO{
			{Note: "CMD_VERSION 4:4", W: offer("04"), R: unhex(t, "0400000005000000"+refused)},
			{Note: "CMD_VERSION 4:5", W: offer("05"), R: unhex(t, "040000000500000000000000")},
			establish,
		}},
		"4:3": {ops: []linktest.IO{
			{Note: "CMD_VERSION 4:4", W: offer("04"), R: unhex(t, "0400000003000000"+refused)},
		}, err: device.ErrUnsupported},
		"4:5 refuses itself": {ops: []linktest.IO{
			{Note: "CMD_VERSION 4:4", W: offer("04"), R: unhex(t, "0400000005000000"+refused)},
			{Note: "CMD_VERSION 4:5", W: offer("05"), R: unhex(t, "0400000005000000"+refused)},
		}, err: device.ErrUnsupported},
	} {
		c, err := dial(t.Context(), linktest.Play(t, v.ops...))
		if !errors.Is(err, v.err) {
			t.Errorf("%s: dial = %v, want %v", name, err, v.err)
		}
		if err == nil && c.context != 0x12345678 {
			t.Errorf("%s: context = %X, want 12345678", name, c.context)
		}
	}
}

func TestCodes(t *testing.T) {
	if err := OK.orNil(); err != nil {
		t.Errorf("OK as an error = %v, want nil", err)
	}
	if got, want := Code(0x80100069).Error(), "pcscd answers 80100069, card was removed"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	if got, want := Code(0x80101234).Error(), "pcscd answers 80101234"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	for code, want := range map[Code]error{
		RemovedCard: device.ErrMediaGone, NoSmartcard: device.ErrMediaGone, ReaderUnavailable: device.ErrUnplugged,
		ServiceStopped: device.ErrUnplugged, TimedOut: device.ErrTimeout, SharingViolation: device.ErrBusy,
		InternalError: device.ErrProtocol,
	} {
		if err := meant(code); !errors.Is(err, want) || !errors.Is(err, code) {
			t.Errorf("meant(%v) = %v, want %v with its code", code, err, want)
		}
	}
}
