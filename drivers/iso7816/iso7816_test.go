package iso7816_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// commands are APDUs that real programs were seen to send (OpenSC 0.23, gmrtd)
// and the four cases of ISO 7816-4, 5.2.
var commands = []struct {
	hex string
	c   iso7816.Command
}{
	{"00a4000c", iso7816.Command{Ins: 0xA4, P2: 0x0C}},
	{"00c0000010", iso7816.Command{Ins: 0xC0, Le: 16}},
	{"00c0000000", iso7816.Command{Ins: 0xC0, Le: 256}},
	{"00a4000c023f00", iso7816.Command{Ins: 0xA4, P2: 0x0C, Data: []byte{0x3F, 0x00}}},
	{"00cb3fff035c017e08", iso7816.Command{Ins: 0xCB, P1: 0x3F, P2: 0xFF, Data: []byte{0x5C, 0x01, 0x7E}, Le: 8}},
	{
		"00a404000ba00000030800001000010000",
		iso7816.Command{Ins: 0xA4, P1: 4, Data: []byte{0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0}, Le: 256},
	},
}

func TestCommands(t *testing.T) {
	for _, v := range commands {
		want := unhex(t, v.hex)
		if got, err := v.c.Marshal(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("Marshal(%+v) = %x, %v, want %x", v.c, got, err, want)
		}
		got, err := iso7816.ParseCommand(want)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(v.c) {
			t.Errorf("ParseCommand(%s) = %+v, %v, want %+v", v.hex, got, err, v.c)
		}
	}
	for _, bad := range []string{"", "00a400", "00a4040002aa", "00a4040001aabbcc", "00a4040000000102"} {
		if c, err := iso7816.ParseCommand(unhex(t, bad)); err == nil {
			t.Errorf("ParseCommand(%s) = %+v, want an error", bad, c)
		}
	}
	if _, err := (iso7816.Command{Data: make([]byte, 256)}).Marshal(); err == nil {
		t.Error("Marshal of 256 bytes of data = nil, want an error")
	}
	if _, err := (iso7816.Command{Le: 257}).Marshal(); err == nil {
		t.Error("Marshal with Le 257 = nil, want an error")
	}
}

// script is a card that expects commands in order.
type script struct {
	t     *testing.T
	steps [][2]string
}

func (s *script) Transmit(_ context.Context, apdu []byte) ([]byte, error) {
	if len(s.steps) == 0 {
		s.t.Fatalf("Transmit(%x): nothing more was expected", apdu)
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	if got := hex.EncodeToString(apdu); got != step[0] {
		s.t.Fatalf("Transmit(%s), want %s", got, step[0])
	}
	return unhex(s.t, step[1]), nil
}

func TestChannel(t *testing.T) {
	long := bytes.Repeat([]byte{0xAB}, 300)
	for name, v := range map[string]struct {
		c     iso7816.Command
		steps [][2]string
		want  string
		sw    iso7816.SW
	}{
		"plain":                            {iso7816.Command{Ins: 0xCB, Le: 256}, [][2]string{{"00cb000000", "01029000"}}, "0102", 0},
		"refused":                          {iso7816.Command{Ins: 0xCB, Le: 256}, [][2]string{{"00cb000000", "6a82"}}, "", iso7816.NotFound},
		"more":                             {iso7816.Command{Ins: 0xCB, Le: 256}, [][2]string{{"00cb000000", "016102"}, {"00c0000002", "02039000"}}, "010203", 0},
		"more 6100":                        {iso7816.Command{Ins: 0xCB, Le: 256}, [][2]string{{"00cb000000", "6100"}, {"00c0000000", "0a9000"}}, "0a", 0},
		"wrong Le where it is no protocol": {iso7816.Command{Ins: 0xCB, Le: 256}, [][2]string{{"00cb000000", "6c02"}}, "", 0x6C02},
		"no Le, no repetition": {
			iso7816.Command{Ins: 0x20, P2: 0x80, Data: []byte{1}},
			[][2]string{{"002000800101", "6c02"}},
			"", 0x6C02,
		},
		"chained": {
			iso7816.Command{Ins: 0x87, Data: long, Le: 256},
			[][2]string{
				{"10870000ff" + hex.EncodeToString(long[:255]), "9000"},
				{"008700002d" + hex.EncodeToString(long[255:]) + "00", "059000"},
			},
			"05", 0,
		},
		"chain refused": {
			iso7816.Command{Ins: 0x87, Data: long, Le: 256},
			[][2]string{{"10870000ff" + hex.EncodeToString(long[:255]), "6884"}},
			"", 0x6884,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{t, v.steps}
			got, err := iso7816.NewChannel(s).Do(t.Context(), v.c)
			if hex.EncodeToString(got) != v.want || iso7816.StatusOf(err) != v.sw || (err == nil) != (v.sw == 0) {
				t.Errorf("Do = %x, %v, want %s with status %v", got, err, v.want, v.sw)
			}
			if len(s.steps) > 0 {
				t.Errorf("never sent: %v", s.steps)
			}
		})
	}
}

// liar is a card that says the same for ever.
type liar []byte

func (l liar) Transmit(context.Context, []byte) ([]byte, error) { return l, nil }

// TestLiars: a card cannot make a kiosk read for ever, or believe nonsense.
func TestLiars(t *testing.T) {
	for name, l := range map[string]liar{
		"more of nothing, for ever":   {0x61, 0x10},
		"more of something, for ever": append(make(liar, 200), 0x61, 0x10),
		"no status":                   {0x90},
		"nothing":                     {},
		"a status that is none":       {0x12, 0x34},
	} {
		if _, err := iso7816.NewChannel(l).Do(t.Context(), iso7816.Command{Ins: 0xCB, Le: 256}); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("%s: Do = %v, want ErrProtocol", name, err)
		}
	}
}

func TestStatusWords(t *testing.T) {
	if n, ok := iso7816.SW(0x63C2).TriesLeft(); n != 2 || !ok {
		t.Errorf("63C2.TriesLeft = %d, %v, want 2, true", n, ok)
	}
	for _, sw := range []iso7816.SW{0x6300, 0x9000, 0x6983} {
		if n, ok := sw.TriesLeft(); ok {
			t.Errorf("%04X.TriesLeft = %d, true, want false", uint16(sw), n)
		}
	}
	for sw, want := range map[iso7816.SW]string{
		0x6A82: "6A82 not found", 0x63C1: "63C1 verification failed, 1 tries left", 0x1234: "1234",
	} {
		if got := sw.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
	}
}

func TestTLV(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536} {
		for _, tag := range []uint32{0x53, 0x7E, 0x5F2F, 0x5FC105} {
			v := bytes.Repeat([]byte{7}, n)
			b := iso7816.AppendTLV(nil, tag, v)
			got, rest, err := iso7816.NextTLV(append(b, 0xEE))
			if err != nil || got.Tag != tag || !bytes.Equal(got.Value, v) || len(rest) != 1 {
				t.Errorf("NextTLV of %X with %d bytes = %X with %d, %d left, %v", tag, n, got.Tag, len(got.Value), len(rest), err)
			}
		}
	}
	for _, bad := range []string{"", "53", "5381", "538201", "5304010203", "53ff", "5f", "5f8181", "5f81818101", "538480000000"} {
		if got, _, err := iso7816.NextTLV(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("NextTLV(%s) = %+v, %v, want ErrProtocol", bad, got, err)
		}
	}
}

func FuzzNextTLV(f *testing.F) {
	for _, s := range []string{"7c0482008101", "5f2f024000", "538181" + "00", "7f4982000000", "5fc10501aa"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := iso7816.NextTLV(b)
		if err != nil {
			return
		}
		if len(rest)+len(v.Value) >= len(b) {
			t.Errorf("NextTLV(%x): %d bytes of value and %d left out of %d", b, len(v.Value), len(rest), len(b))
		}
		again, none, err := iso7816.NextTLV(iso7816.AppendTLV(nil, v.Tag, v.Value))
		if err != nil || again.Tag != v.Tag || !bytes.Equal(again.Value, v.Value) || len(none) != 0 {
			t.Errorf("NextTLV of AppendTLV(%X, %x) = %X, %x, %v", v.Tag, v.Value, again.Tag, again.Value, err)
		}
	})
}

func FuzzParseCommand(f *testing.F) {
	for _, v := range commands {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := iso7816.ParseCommand(b)
		if err != nil {
			return
		}
		if got, err := c.Marshal(); err != nil || !bytes.Equal(got, b) {
			t.Errorf("parse then marshal: got %x, %v, want %x", got, err, b)
		}
	})
}

func ExampleChannel_Do() {
	card := liar{0x6A, 0x82}
	_, err := iso7816.NewChannel(card).Do(context.Background(), iso7816.Command{Ins: 0xCB, P1: 0x3F, P2: 0xFF, Le: iso7816.MaxLe})
	fmt.Println(err)
	fmt.Println(iso7816.StatusOf(err) == iso7816.NotFound)
	// Output:
	// card refused command CB: 6A82 not found
	// true
}
