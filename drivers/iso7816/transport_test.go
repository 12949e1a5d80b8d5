package iso7816_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// TestTransports: what is sent for one command depends on what carries it, and
// on what the card has said.
func TestTransports(t *testing.T) {
	long := strings.Repeat("ab", 300)
	t0 := iso7816.Capabilities{Protocol: device.T0}
	takes := iso7816.Capabilities{Protocol: device.T1, Extended: true, Longest: 65544}
	for name, v := range map[string]struct {
		caps  iso7816.Capabilities
		c     iso7816.Command
		steps [][2]string
		want  string
		sw    iso7816.SW
		err   error
	}{
		// ISO/IEC 7816-3, 12.2.
		"T=0, case 1": {caps: t0, c: iso7816.Command{Ins: 0x20, P2: 0x80}, steps: [][2]string{{"0020008000", "63c3"}}, sw: 0x63C3},
		"T=0, case 2 with the right Le": {
			caps: t0, c: iso7816.Command{Ins: 0xB0, Le: 2},
			steps: [][2]string{{"00b0000002", "01029000"}},
			want:  "0102",
		},
		"T=0, case 2 with another Le": {
			caps: t0, c: iso7816.Command{Ins: 0xB0, Le: 256},
			steps: [][2]string{{"00b0000000", "6c02"}, {"00b0000002", "01029000"}},
			want:  "0102",
		},
		"T=0, another Le once only": {
			caps: t0, c: iso7816.Command{Ins: 0xB0, Le: 256},
			steps: [][2]string{{"00b0000000", "6c02"}, {"00b0000002", "6c03"}},
			sw:    0x6C03,
		},
		"T=0, case 3 is never sent twice": {
			caps: t0, c: iso7816.Command{Ins: 0x20, P2: 0x80, Data: []byte{1, 2}},
			steps: [][2]string{{"00200080020102", "6c02"}},
			sw:    0x6C02,
		},
		"T=0, case 4 has no Le": {
			caps: t0, c: iso7816.Command{Ins: 0xCB, Data: []byte{0x5C}, Le: 256},
			steps: [][2]string{{"00cb0000015c", "6103"}, {"00c0000003", "0102039000"}},
			want:  "010203",
		},
		"T=0, GET RESPONSE with another Le": {
			caps: t0, c: iso7816.Command{Ins: 0xCB, Data: []byte{0x5C}, Le: 256},
			steps: [][2]string{{"00cb0000015c", "6100"}, {"00c0000000", "6c02"}, {"00c0000002", "01029000"}},
			want:  "0102",
		},
		"T=1, more than an APDU takes": {
			caps: iso7816.Capabilities{Protocol: device.T1}, c: iso7816.Command{Ins: 0xCB, Le: 256},
			steps: [][2]string{{"00cb000000", "016102"}, {"00c0000002", "02039000"}},
			want:  "010203",
		},
		"T=1, wrong Le is an error": {
			caps: iso7816.Capabilities{Protocol: device.T1}, c: iso7816.Command{Ins: 0xB0, Le: 256},
			steps: [][2]string{{"00b0000000", "6c02"}},
			sw:    0x6C02,
		},
		"extended data": {
			caps: takes, c: iso7816.Command{Ins: 0x87, Data: unhex(t, long), Le: 256},
			steps: [][2]string{{"0087000000012c" + long + "0100", "059000"}},
			want:  "05",
		},
		"extended Le alone": {
			caps: takes, c: iso7816.Command{Ins: 0xB0, Le: 65536},
			steps: [][2]string{{"00b00000000000", "059000"}},
			want:  "05",
		},
		"short where short will do": {
			caps: takes, c: iso7816.Command{Ins: 0xB0, Le: 256},
			steps: [][2]string{{"00b0000000", "059000"}},
			want:  "05",
		},
		"the reader carries no extended data": {
			caps: iso7816.Capabilities{Protocol: device.T1, Extended: true}, c: iso7816.Command{Ins: 0x87, Data: unhex(t, long)},
			steps: [][2]string{{"10870000ff" + long[:510], "9000"}, {"008700002d" + long[510:], "9000"}},
		},
		"T=0 has no extended lengths": {
			caps: iso7816.Capabilities{Protocol: device.T0, Extended: true, Longest: 65544}, c: iso7816.Command{Ins: 0x87, Data: unhex(t, long)},
			steps: [][2]string{{"10870000ff" + long[:510], "9000"}, {"008700002d" + long[510:], "9000"}},
		},
		"the file that says how long was not read": {
			caps: iso7816.Capabilities{Protocol: device.T1, Extended: true, InFile: true, Longest: 65544}, c: iso7816.Command{Ins: 0x87, Data: unhex(t, long)},
			steps: [][2]string{{"10870000ff" + long[:510], "9000"}, {"008700002d" + long[510:], "9000"}},
		},
		"the card said a length that is too short": {
			caps: iso7816.Capabilities{Protocol: device.T1, Extended: true, InFile: true, Longest: 65544, MaxCommand: 308, MaxResponse: 1000}, c: iso7816.Command{Ins: 0x87, Data: unhex(t, long)},
			steps: [][2]string{{"10870000ff" + long[:510], "9000"}, {"008700002d" + long[510:], "9000"}},
		},
		"an Le that cannot be asked for": {c: iso7816.Command{Ins: 0xB0, Le: 257}, err: device.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{t, v.steps}
			got, err := iso7816.NewChannel(iso7816.With(s, v.caps)).Do(t.Context(), v.c)
			if hex.EncodeToString(got) != v.want || iso7816.StatusOf(err) != v.sw || v.err != nil && !errors.Is(err, v.err) || (err == nil) != (v.sw == 0 && v.err == nil) {
				t.Errorf("Do = %x, %v, want %s with status %v", got, err, v.want, v.sw)
			}
			if len(s.steps) > 0 {
				t.Errorf("never sent: %v", s.steps)
			}
		})
	}
}

// reader is a reader with a card in it.
type reader struct {
	device.CardReader
	card *device.Card
}

func (r reader) Card() *device.Card { return r.card }

// TestOn: the reader's word about the card reaches the channel, and only for the
// card that it is about.
func TestOn(t *testing.T) {
	// A contactless card by PC/SC: historical bytes 80 73 C8 21 C0.
	r := reader{card: &device.Card{Gen: 7, ATS: unhex(t, "3b858001"+"8073c821c0"+"de"), Protocol: device.T1, Longest: 1000}}
	want := iso7816.Capabilities{Protocol: device.T1, Longest: 1000, Chaining: true, Extended: true}
	if got := iso7816.On(r, 7).(iso7816.Capable).Capabilities(); got != want {
		t.Errorf("Capabilities = %+v, want %+v", got, want)
	}
	if got := iso7816.On(r, 8).(iso7816.Capable).Capabilities(); got != (iso7816.Capabilities{}) {
		t.Errorf("Capabilities of another card = %+v, want none", got)
	}
	if _, capable := iso7816.On(struct{ device.CardReader }{}, 7).(iso7816.Capable); capable {
		t.Error("On a reader that says nothing is Capable, want not")
	}
}
