package iso7816_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// atrs are answers to reset of real cards, from
// Ludovic Rousseau's list of smart cards.
var atrs = []struct {
	note, hex  string
	protocols  string
	historical string
}{
	{"vsmartcard's virtual card of ours, T=1", "3b9513810180" + "73ff01000b", "[1]", "8073ff0100"},
	{"YubiKey 5, T=1", "3bfd1300008131fe158073c021c057597562694b657940", "[1]", "8073c021c057597562694b6579"},
	{"Estonian identity card of 2018, T=0 and T=1", "3bdb960080b1fe451f830012233f536549440f9000f1", "[0 1]", "0012233f536549440f9000"},
	{"GSM SIM, T=0, no check byte", "3b1694" + "71010106" + "0200", "[0]", "710101060200"},
	{"T=0 by default", "3b00", "[0]", ""},
	{"inverse", "3f00", "[0]", ""},
}

func TestParseATR(t *testing.T) {
	for _, v := range atrs {
		a, err := iso7816.ParseATR(unhex(t, v.hex))
		if err != nil || fmt.Sprint(a.Protocols) != v.protocols || hex.EncodeToString(a.Historical) != v.historical {
			t.Errorf("%s: ParseATR = %+v, %v, want %s and %s", v.note, a, err, v.protocols, v.historical)
		}
	}
	if a, err := iso7816.ParseATR(unhex(t, "3f00")); err != nil || !a.Inverse || a.TA1 != 0x11 {
		t.Errorf("ParseATR = %+v, %v, want an inverse one at default speed", a, err)
	}
	for note, bad := range map[string]string{
		"empty": "", "one byte": "3b", "no convention": "3a00", "interface byte missing": "3b10",
		"historical bytes missing": "3b05aabb", "check byte missing": "3b8001", "check byte wrong": "3b95138101807" + "3ff01000c",
		"something after": "3b0000", "endless": "3b" + strings.Repeat("80", 33),
	} {
		if a, err := iso7816.ParseATR(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("%s: ParseATR = %+v, %v, want ErrProtocol", note, a, err)
		}
	}
}

func TestParseATS(t *testing.T) {
	for in, want := range map[string]struct {
		fsc        int
		historical string
	}{
		"01": {32, ""}, "0278": {0, ""}, "0578807002": {256, ""}, "0a78807002" + "8031c064" + "1f": {256, "8031c0641f"},
		"0208": {256, ""}, "020f": {4096, ""},
	} {
		a, err := iso7816.ParseATS(unhex(t, in))
		if in == "0278" { // announces three bytes that are missing
			if !errors.Is(err, device.ErrProtocol) {
				t.Errorf("ParseATS(%s) = %+v, %v, want ErrProtocol", in, a, err)
			}
			continue
		}
		if err != nil || a.FSC != want.fsc || hex.EncodeToString(a.Historical) != want.historical {
			t.Errorf("ParseATS(%s) = %+v, %v, want %+v", in, a, err, want)
		}
	}
	for _, bad := range []string{"", "00", "02", "0308"} {
		if a, err := iso7816.ParseATS(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("ParseATS(%s) = %+v, %v, want ErrProtocol", bad, a, err)
		}
	}
}

func FuzzParseATR(f *testing.F) {
	for _, v := range atrs {
		f.Add(unhex(f, v.hex))
	}
	f.Add(unhex(f, "0a788070028031c0641f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := iso7816.ParseATR(b); err == nil && (len(a.Historical) > 15 || len(a.Protocols) == 0 || !bytes.Contains(b, a.Historical)) {
			t.Errorf("ParseATR(%x) = %+v", b, a)
		}
		if a, err := iso7816.ParseATS(b); err == nil && (len(a.Historical) >= len(b) || !bytes.HasSuffix(b, a.Historical)) {
			t.Errorf("ParseATS(%x) = %+v", b, a)
		}
		_ = iso7816.Of(&device.Card{ATS: b})
	})
}

func TestCapabilities(t *testing.T) {
	for historical, want := range map[string]iso7816.Capabilities{
		"":                      {},
		"80":                    {},
		"8073c02140":            {Extended: true},
		"8073c02180":            {Chaining: true},
		"8073c021e0":            {Chaining: true, Extended: true, InFile: true},
		"803180" + "73c02140":   {Extended: true},
		"0073c021c0" + "019000": {Chaining: true, Extended: true},
		"0073c0":                {},
		"1073c021c0":            {},
		"8072c021":              {},
		"8073c0":                {}, // cut off
	} {
		ats := append([]byte{byte(2 + len(historical)/2), 0x08}, unhex(t, historical)...)
		if got := iso7816.Of(&device.Card{ATS: ats}); got != want {
			t.Errorf("historical bytes %s: got %+v, want %+v", historical, got, want)
		}
	}
	if got := iso7816.Of(nil); got != (iso7816.Capabilities{}) {
		t.Errorf("Of(nil) = %+v, want nothing", got)
	}
}

// TestReadLimits: EF.ATR/INFO of a card that takes 1,006 bytes and gives 2,002.
func TestReadLimits(t *testing.T) {
	ask := func(file string, steps ...[2]string) (iso7816.Capabilities, error) {
		steps = append([][2]string{{"00a4000c023f00", "9000"}, {"00a4020c022f01", "9000"}}, steps...)
		if file != "" {
			steps = append(steps, [2]string{"00b0000000", file})
		}
		s := &script{t, steps}
		c, err := iso7816.ReadLimits(t.Context(), s, iso7816.Capabilities{Protocol: device.T1})
		if len(s.steps) > 0 {
			t.Errorf("never sent: %v", s.steps)
		}
		return c, err
	}
	got, err := ask("4703c021e0" + "7f6608020203ee020207d2" + "0000" + "6282")
	want := iso7816.Capabilities{Protocol: device.T1, Chaining: true, Extended: true, MaxCommand: 1006, MaxResponse: 2002}
	if err != nil || got != want {
		t.Errorf("ReadLimits = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"7f66" + "9000", "7f66" + "03" + "020101" + "9000", "7f66" + "08" + "030101" + "0202ffff99" + "9000"} {
		if got, err := ask(bad); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("ReadLimits of %s = %+v, %v, want ErrProtocol", bad, got, err)
		}
	}
	s := &script{t, [][2]string{{"00a4000c023f00", "6a82"}}}
	if got, err := iso7816.ReadLimits(t.Context(), s, want); got != want || err != nil {
		t.Errorf("ReadLimits of a card without files = %+v, %v, want no change", got, err)
	}
	if _, err := iso7816.ReadLimits(t.Context(), gone{}, want); !errors.Is(err, device.ErrMediaGone) {
		t.Errorf("ReadLimits of a card that left = %v, want ErrMediaGone", err)
	}
}

type gone struct{}

func (gone) Transmit(context.Context, []byte) ([]byte, error) { return nil, device.ErrMediaGone }

func TestStatusKinds(t *testing.T) {
	for sw, want := range map[iso7816.SW]struct {
		kind   iso7816.Kind
		effect device.SideEffect
	}{
		0x9000: {iso7816.Normal, device.SideEffectYes}, 0x6110: {iso7816.Normal, device.SideEffectYes},
		0x6282: {iso7816.Warning, device.SideEffectYes}, 0x63C2: {iso7816.Warning, device.SideEffectYes},
		0x6400: {iso7816.ExecutionError, device.SideEffectNo}, 0x6581: {iso7816.ExecutionError, device.SideEffectYes},
		0x6600: {iso7816.ExecutionError, device.SideEffectUnknown}, 0x6700: {iso7816.CheckingError, device.SideEffectNo},
		0x6982: {iso7816.CheckingError, device.SideEffectNo}, 0x6F00: {iso7816.CheckingError, device.SideEffectUnknown},
		0x9240: {iso7816.Proprietary, device.SideEffectUnknown},
	} {
		if sw.Kind() != want.kind || sw.Effect() != want.effect {
			t.Errorf("%v: got kind %d with %v, want %d with %v", sw, sw.Kind(), sw.Effect(), want.kind, want.effect)
		}
	}
	for sw, want := range map[iso7816.SW]string{0x6100: "6100 256 bytes more", 0x6C05: "6C05 wrong Le, 5 is right", 0x6A83: "6A83 record not found"} {
		if got := sw.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
	}
}

func TestMarshalExtended(t *testing.T) {
	for want, c := range map[string]iso7816.Command{
		"00a40000":             {Ins: 0xA4},
		"00b00000000100":       {Ins: 0xB0, Le: 256},
		"00b00000000000":       {Ins: 0xB0, Le: 65536},
		"00d600000000020102":   {Ins: 0xD6, Data: []byte{1, 2}},
		"00d6000000000101ffff": {Ins: 0xD6, Data: []byte{1}, Le: 65535},
	} {
		if got, err := c.MarshalExtended(); err != nil || hex.EncodeToString(got) != want {
			t.Errorf("MarshalExtended(%+v) = %x, %v, want %s", c, got, err, want)
		}
	}
	for _, bad := range []iso7816.Command{{Data: make([]byte, 65536)}, {Le: 65537}, {Le: -1}} {
		if _, err := bad.MarshalExtended(); err == nil {
			t.Errorf("MarshalExtended of %d bytes and Le %d = nil, want an error", len(bad.Data), bad.Le)
		}
	}
}
