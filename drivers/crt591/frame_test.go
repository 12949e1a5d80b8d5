package crt591

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/slot"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// vectors are frames on which two independent drivers of the family agree.
var vectors = []struct{ note, frame, text string }{
	{"initialize, move nothing", "f2000003433033" + "03b2", "433033"},
	{"status", "f2000003433130" + "03b0", "433130"},
	{"to the antenna", "f2000003433232" + "03b1", "433232"},
	{"out of the gate", "f2000003433239" + "03ba", "433239"},
	{"SELECT of a passport's application, type A", "f200000f43603400a4040c07a000000247100103b6", "43603400a4040c07a0000002471001"},
	{"fine: a card inside, stacker with enough, bin not full", "f20000065031303232300396", "503130323230"},
	{"refused: stacker empty", "f20000054e3230413003c9", "4e32304130"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		want := unhex(t, v.frame)
		if got := AppendFrame(nil, 0, unhex(t, v.text)); !bytes.Equal(got, want) {
			t.Errorf("%s: AppendFrame = %x, want %x", v.note, got, want)
		}
		var d Decoder
		d.Push(want)
		if it, ok := d.Next(); !ok || it.Kind != Text || hex.EncodeToString(it.Text) != v.text {
			t.Errorf("%s: Next = %+v, %v, want %s", v.note, it, ok, v.text)
		}
	}
}

// TestErrorCodeIsWhereItIs: a known driver takes the parameter and the first half
// of the code for the code.
func TestErrorCodeIsWhereItIs(t *testing.T) {
	for _, text := range []string{"4e32304130", "4532304130"} {
		_, err := parseAnswer(unhex(t, text))
		if !errors.Is(err, Code("A0")) || !errors.Is(err, device.ErrNoMedia) || slot.EffectOf(err) != device.SideEffectNo {
			t.Errorf("parseAnswer(%s) = %v, want A0", text, err)
		}
	}
	for _, bad := range []string{"503130", "5031303232", "4e3230", "4e323041", "433130", "583130323230"} {
		if _, err := parseAnswer(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("parseAnswer(%s) = %v, want ErrProtocol", bad, err)
		}
	}
}

// TestDecoder: frames are found among noise, at every split; what looks like an
// end or a beginning inside data is data; damage does not take the next frame
// with it once the line was quiet.
func TestDecoder(t *testing.T) {
	data := bytes.Repeat([]byte{etx, stx, ACK, NAK, EOT, 0}, 80) // 480 bytes
	stream := []byte{0x00, 0x55, ACK}
	stream = AppendFrame(stream, 3, append([]byte("P\x60\x34200"), data...))
	stream = append(stream, NAK, EOT)
	for split := range stream {
		var d Decoder
		var kinds []Kind
		var text []byte
		for _, part := range [][]byte{stream[:split], stream[split:]} {
			d.Push(part)
			for it, ok := d.Next(); ok; it, ok = d.Next() {
				kinds = append(kinds, it.Kind)
				text = append(text, it.Text...)
			}
		}
		if len(kinds) != 4 || kinds[0] != Acked || kinds[1] != Text || kinds[2] != Nacked || kinds[3] != Ended || !bytes.HasSuffix(text, data) {
			t.Fatalf("split at %d: got kinds %v and %d bytes", split, kinds, len(text))
		}
	}
	good := AppendFrame(nil, 0, []byte("C10"))
	for at := range good {
		if at == 1 {
			continue // the address: another unit's frame, and the check finds it
		}
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[at] ^= 1 << bit
			var d Decoder
			d.Push(bad)
			if it, ok := d.Next(); ok && it.Kind == Text {
				t.Errorf("byte %d, bit %d: Next = %+v, want no text", at, bit, it)
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame))
	}
	f.Add(AppendFrame([]byte{ACK}, 1, make([]byte, maxText)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		d.Push(b)
		for range len(b) + 1 {
			it, ok := d.Next()
			if !ok {
				if len(d.buf) > 4+maxText+2 {
					t.Errorf("decoder holds %d bytes, want less than a frame", len(d.buf))
				}
				return
			}
			if it.Kind != Text {
				continue
			}
			if _, err := parseAnswer(it.Text); err == nil && it.Text[0] != HeadOK {
				t.Errorf("parseAnswer(% X) = nil, want an error", it.Text)
			}
			var e Decoder
			e.Push(AppendFrame(nil, it.Addr, it.Text))
			if again, ok := e.Next(); !ok || !bytes.Equal(again.Text, it.Text) {
				t.Errorf("Next of AppendFrame(% X) = %+v", it.Text, again)
			}
		}
		t.Error("decoder found more than there are bytes")
	})
}

func FuzzActivation(f *testing.F) {
	for _, s := range []string{"41040004080102032002" + "78", "4d04000408010203" + "08", "425000010203" + "00000000000000", "313b00"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseRF(b); err == nil && (len(c.card.UID) < 4 || len(c.card.UID)+len(c.card.ATS) > 2*len(b)) {
			t.Errorf("parseRF(%x) = %+v", b, c)
		}
		if c, err := parseCPU(b); err == nil && (len(c.card.ATS) < 2 || c.card.Protocol == 0) {
			t.Errorf("parseCPU(%x) = %+v", b, c)
		}
	})
}

func TestActivation(t *testing.T) {
	if c, err := parseRF(unhex(t, "410400"+"04"+"08010203"+"20"+"0578807002"+"00")); err != nil || hex.EncodeToString(c.card.ATS) != "0578807002" || c.apdu != pmTypeA {
		t.Errorf("parseRF of type A = %+v, %v, want its ATS without what follows", c, err)
	}
	if c, err := parseRF(unhex(t, "4d0400"+"04"+"08010203"+"08")); err != nil || len(c.card.ATS) != 0 || len(c.card.UID) != 4 {
		t.Errorf("parseRF of a Mifare card = %+v, %v, want a UID and no ATS", c, err)
	}
	if c, err := parseRF(unhex(t, "4250"+"a1a2a3a4"+"00000000"+"007185")); err != nil || hex.EncodeToString(c.card.UID) != "a1a2a3a4" || c.apdu != pmTypeB {
		t.Errorf("parseRF of type B = %+v, %v, want its PUPI", c, err)
	}
	for _, bad := range []string{"", "41", "4104000408", "41040005080102030420", "410400040801020320", "4250", "5a00000000"} {
		if c, err := parseRF(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("parseRF(%s) = %+v, %v, want ErrProtocol", bad, c, err)
		}
	}
	for _, bad := range []string{"", "30", "323b00"} {
		if c, err := parseCPU(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("parseCPU(%s) = %+v, %v, want ErrProtocol", bad, c, err)
		}
	}
}

// TestExchangeCostsNoWaiting: a known driver reads until nothing more comes, and
// so pays its whole time-out for every exchange.
func TestExchangeCostsNoWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := linktest.Play(t,
			linktest.IO{Note: "STATUS REQUEST", W: AppendFrame(nil, 0, []byte("C10")), R: append([]byte{ACK}, AppendFrame(nil, 0, []byte("P10020"))...)},
			linktest.IO{Note: "ACK of the answer", W: []byte{ACK}},
		)
		line, err := p.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		st, err := (&unit{line: line}).status(t.Context())
		if err != nil || string(st[:]) != "020" {
			t.Errorf("status = %q, %v, want 020", st, err)
		}
		if d := time.Since(begin); d != 0 {
			t.Errorf("status took %v, want no waiting", d)
		}
	})
}

// TestMishaps plays 1.4.2.
func TestMishaps(t *testing.T) {
	status, fine := AppendFrame(nil, 0, []byte("C10")), AppendFrame(nil, 0, []byte("P10020"))
	move, moved := AppendFrame(nil, 0, []byte("C23")), AppendFrame(nil, 0, []byte("P23020"))
	damaged := bytes.Clone(fine)
	damaged[8] ^= 0x11
	acked := func(b []byte) []byte { return append([]byte{ACK}, b...) }
	for name, v := range map[string]struct {
		move   bool
		ops    []linktest.IO
		err    error
		effect device.SideEffect
	}{
		"case 1, what changes nothing is asked again": {ops: []linktest.IO{
			{Note: "status, not heard", W: status}, {Note: "status", W: status, R: acked(fine)}, {Note: "ACK", W: []byte{ACK}},
		}},
		"case 1, what moves a card is not": {move: true, ops: []linktest.IO{
			{Note: "move, no ACK", W: move}, {Note: "EOT", W: []byte{EOT}, R: []byte{EOT}},
		}, err: device.ErrTimeout, effect: device.SideEffectUnknown},
		"case 2, NAK": {move: true, ops: []linktest.IO{
			{Note: "move, damaged", W: move, R: []byte{NAK}}, {Note: "move", W: move, R: acked(moved)}, {Note: "ACK", W: []byte{ACK}},
		}},
		"case 2, NAK for ever": {move: true, ops: []linktest.IO{
			{Note: "move", W: move, R: []byte{NAK}}, {Note: "move", W: move, R: []byte{NAK}}, {Note: "move", W: move, R: []byte{NAK}},
		}, err: device.ErrProtocol, effect: device.SideEffectNo},
		"case 3, the answer is damaged": {ops: []linktest.IO{
			{Note: "status", W: status, R: acked(damaged)}, {Note: "NAK", W: []byte{NAK}, R: fine}, {Note: "ACK", W: []byte{ACK}},
		}},
		"case 4, ACK and no answer": {move: true, ops: []linktest.IO{
			{Note: "move", W: move, R: []byte{ACK}}, {Note: "EOT", W: []byte{EOT}, R: []byte{EOT}},
		}, err: device.ErrTimeout, effect: device.SideEffectUnknown},
		"case 6, EOT is lost": {move: true, ops: []linktest.IO{
			{Note: "move", W: move, R: []byte{ACK}}, {Note: "EOT", W: []byte{EOT}}, {Note: "EOT again", W: []byte{EOT}, R: []byte{EOT}},
		}, err: device.ErrTimeout, effect: device.SideEffectUnknown},
		"case 7, EOT and answer cross": {move: true, ops: []linktest.IO{
			{Note: "move", W: move, R: []byte{ACK}},
			{Note: "EOT", W: []byte{EOT}, R: moved},
			{Note: "ACK", W: []byte{ACK}},
			{Note: "EOT again", W: []byte{EOT}, R: []byte{EOT}},
		}, err: device.ErrTimeout, effect: device.SideEffectUnknown},
		"an answer before the ACK is an old one": {ops: []linktest.IO{
			{Note: "status", W: status, R: append(AppendFrame(nil, 0, []byte("P10111")), acked(fine)...)}, {Note: "ACK", W: []byte{ACK}},
		}},
		"another unit's answer": {ops: []linktest.IO{
			{Note: "status", W: status, R: acked(append(AppendFrame(nil, 7, []byte("P10111")), fine...))}, {Note: "ACK", W: []byte{ACK}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line, err := linktest.Play(t, v.ops...).Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				u := &unit{line: line}
				var st [3]byte
				if v.move {
					st, err = u.move(t.Context(), pmBin)
				} else {
					st, err = u.status(t.Context())
				}
				if v.err == nil && (err != nil || string(st[:]) != "020") {
					t.Errorf("got %q, %v, want 020", st, err)
				}
				if v.err != nil && (!errors.Is(err, v.err) || slot.EffectOf(err) != v.effect) {
					t.Errorf("got %v with %v, want %v with %v", err, slot.EffectOf(err), v.err, v.effect)
				}
			})
		})
	}
}

// TestCodes: every code has its meaning for who branches; an unknown one has no
// effect that is known.
func TestCodes(t *testing.T) {
	for c, m := range codes {
		err := c.err()
		if !errors.Is(err, m.err) || !errors.Is(err, c) || slot.EffectOf(err) != m.effect {
			t.Errorf("%s: err = %v with %v, want %v with %v", c, err, slot.EffectOf(err), m.err, m.effect)
		}
	}
	if err := Code("ZZ").err(); !errors.Is(err, device.ErrProtocol) || slot.EffectOf(err) != device.SideEffectUnknown {
		t.Errorf("an unknown code: err = %v, want ErrProtocol, unknown", err)
	}
}
