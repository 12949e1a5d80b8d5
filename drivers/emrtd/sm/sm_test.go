package sm_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// TestDerive is Doc 9303-11, appendix D.1 (parity bits are not set here) and
// appendix G.1.
func TestDerive(t *testing.T) {
	seed := unhex(t, "239AB9CB282DAF66231DC5A4DF6BFBAE")
	for counter, want := range map[uint32]string{
		sm.ForEncryption: "AB94FDECF2674FDFB9B391F85D7F76F2",
		sm.ForMAC:        "7962D9ECE03D1ACD4C76089DCE131543",
	} {
		got := sm.TDES.Derive(seed, counter)
		for i := range got { // odd parity, as the document prints it
			ones := 0
			for b := got[i] &^ 1; b != 0; b &= b - 1 {
				ones++
			}
			got[i] = got[i]&^1 | byte(1-ones%2)
		}
		if hex.EncodeToString(got) != strings.ToLower(want) {
			t.Errorf("Derive(%d) = %x, want %s", counter, got, want)
		}
	}
	z := unhex(t, "28768D20701247DAE81804C9E780EDE582A9996DB4A315020B2733197DB84925")
	if got, want := sm.AES128.Derive(z, sm.ForEncryption), unhex(t, "F5F0E35C0D7161EE6724EE513A0D9A7F"); !bytes.Equal(got, want) {
		t.Errorf("AES Derive = %x, want %x", got, want)
	}
	if got, want := sm.AES128.Derive(z, sm.ForMAC), unhex(t, "FE251C7858B356B24514B3BD5F4297D1"); !bytes.Equal(got, want) {
		t.Errorf("AES Derive = %x, want %x", got, want)
	}
	if a, b := len(sm.AES192.Derive(z, 1)), len(sm.AES256.Derive(z, 1)); a != 24 || b != 32 {
		t.Errorf("Derive for AES-192 and 256 has %d and %d bytes, want 24 and 32", a, b)
	}
}

// TestCMAC is RFC 4493, section 4, cut to eight bytes.
func TestCMAC(t *testing.T) {
	key := unhex(t, "2b7e151628aed2a6abf7158809cf4f3c")
	msg := unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for n, want := range map[int]string{0: "bb1d6929e9593728", 16: "070a16b46b4d4144", 40: "dfa66747de9ae630", 64: "51f0bebf7e3b9d92"} {
		if got := sm.AES128.MAC(key, msg[:n]); hex.EncodeToString(got) != want {
			t.Errorf("MAC of %d bytes = %x, want %s", n, got, want)
		}
	}
}

// TestRandom is Doc 9303-11, appendix H.1.
func TestRandom(t *testing.T) {
	got := sm.AES128.Random(unhex(t, "2923BE84E16CD6AE529049F1F1BBE9EB"), unhex(t, "5DD4CBFC96F5453B130D890A1CDBAE32"), 256)
	want := "E4447E2DFB3586BAC05DDB00156B57FBB2179A3949294C97254189800C517BAA8DA0FF397ED8C445D3E421E4FEB57322"
	if !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("Random = %X, want %s", got, want)
	}
	for _, s := range []sm.Suite{sm.TDES, sm.AES192, sm.AES256} {
		if n := len(s.Random(make([]byte, s.NonceSize()), make([]byte, s.KeySize()), 521)); n*8 < 585 || n%s.NonceSize() != 0 {
			t.Errorf("%v: Random has %d bytes", s, n)
		}
	}
}

// worked is Doc 9303-11, appendix D.4: EF.COM selected and read in two parts.
var worked = []struct {
	c                   iso7816.Command
	wrapped, resp, data string
}{
	{
		iso7816.Command{Ins: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0x01, 0x1E}},
		"0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800", "990290008E08FA855A5D4C50A8ED", "",
	},
	{
		iso7816.Command{Ins: 0xB0, Le: 4},
		"0CB000000D9701048E08ED6705417E96BA5500", "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED", "60145F01",
	},
	{
		iso7816.Command{Ins: 0xB0, P2: 4, Le: 0x12},
		"0CB000040D9701128E082EA28A70F3C7B53500",
		"871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D74",
		"04303130365F36063034303030305C026175",
	},
}

func session(t testing.TB) *sm.Session {
	return sm.NewSession(sm.TDES, unhex(t, "979EC13B1CBFE9DCD01AB0FED307EAE5"), unhex(t, "F1CB1F1FB5ADF208806B89DC579DC1F8"), unhex(t, "887022120C06C226"))
}

func TestWorkedExample(t *testing.T) {
	reader, chip := session(t), session(t)
	for i, w := range worked {
		got := reader.Wrap(w.c)
		b, err := got.Marshal()
		if err != nil || !bytes.Equal(b, unhex(t, w.wrapped)) {
			t.Fatalf("Wrap %d = %X, %v, want %s", i, b, err, w.wrapped)
		}
		plain, err := chip.Open(got)
		if err != nil || fmt.Sprint(plain) != fmt.Sprint(w.c) {
			t.Fatalf("Open %d = %+v, %v, want %+v", i, plain, err, w.c)
		}
		if sealed := chip.Seal(w.c.Ins, unhex(t, w.data), iso7816.OK); !bytes.Equal(sealed, unhex(t, w.resp)) {
			t.Errorf("Seal %d = %X, want %s", i, sealed, w.resp)
		}
		data, sw, err := reader.Unwrap(w.c.Ins, unhex(t, w.resp))
		if err != nil || sw != iso7816.OK || !bytes.Equal(data, unhex(t, w.data)) {
			t.Fatalf("Unwrap %d = %X, %v, %v, want %s", i, data, sw, err, w.data)
		}
	}
}

// TestKeysDoNotPrint: a session in a log shows its suite.
func TestKeysDoNotPrint(t *testing.T) {
	s := session(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, s); got != "secure messaging with 3DES" {
			t.Errorf("Sprintf(%s) = %s", verb, got)
		}
	}
}

// pair is both ends of a session in suite s.
func pair(s sm.Suite) (reader, chip *sm.Session) {
	enc, mac := s.Derive([]byte("secret"), 1), s.Derive([]byte("secret"), 2)
	return sm.NewSession(s, enc, mac, nil), sm.NewSession(s, enc, mac, nil)
}

func TestBothEnds(t *testing.T) {
	for _, s := range []sm.Suite{sm.TDES, sm.AES128, sm.AES192, sm.AES256} {
		reader, chip := pair(s)
		for n := range 40 {
			data := bytes.Repeat([]byte{0xA5}, n)
			for _, ins := range []byte{0xB0, 0xB1} {
				c := iso7816.Command{Ins: ins, P1: byte(n), Data: data, Le: n * 7}
				w := reader.Wrap(c)
				if n > 8 && bytes.Contains(w.Data, data) {
					t.Errorf("%v: Wrap shows the data", s)
				}
				got, err := chip.Open(w)
				if err != nil || !bytes.Equal(got.Data, data) || got.Le != c.Le || got.P1 != c.P1 {
					t.Fatalf("%v: Open = %+v, %v, want %+v", s, got, err, c)
				}
				out, sw, err := reader.Unwrap(ins, chip.Seal(ins, data, 0x6282))
				if err != nil || sw != 0x6282 || !bytes.Equal(out, data) {
					t.Fatalf("%v: Unwrap = %X, %v, %v, want %X", s, out, sw, err, data)
				}
			}
		}
	}
}

// TestNothingElsePasses: any bit changed, an older answer, the answer to another
// command, one left out.
func TestNothingElsePasses(t *testing.T) {
	for _, s := range []sm.Suite{sm.TDES, sm.AES128, sm.AES256} {
		c := iso7816.Command{Ins: 0xB0, Le: 16}
		exchange := func(skip int, change func(b []byte) []byte) error {
			reader, chip := pair(s)
			var old, resp []byte
			for i := range 2 + skip {
				if _, err := chip.Open(reader.Wrap(c)); err != nil {
					t.Fatal(err)
				}
				old, resp = resp, chip.Seal(c.Ins, []byte("sixteen bytes ok"), iso7816.OK)
				if i < 1+skip {
					if _, _, err := reader.Unwrap(c.Ins, resp); err != nil {
						t.Fatal(err)
					}
				}
			}
			if change == nil {
				resp = old
			} else {
				resp = change(resp)
			}
			_, _, err := reader.Unwrap(c.Ins, resp)
			return err
		}
		if err := exchange(0, func(b []byte) []byte { return b }); err != nil {
			t.Errorf("%v: Unwrap of the right answer = %v, want nil", s, err)
		}
		if err := exchange(0, nil); !errors.Is(err, sm.ErrMAC) {
			t.Errorf("%v: Unwrap of an older answer = %v, want ErrMAC", s, err)
		}
		if err := exchange(0, func([]byte) []byte { return unhex(t, "99029000") }); !errors.Is(err, sm.ErrMAC) {
			t.Errorf("%v: Unwrap without a code = %v, want ErrMAC", s, err)
		}
		if err := exchange(0, func([]byte) []byte { return nil }); !errors.Is(err, sm.ErrMAC) {
			t.Errorf("%v: Unwrap of nothing = %v, want ErrMAC", s, err)
		}
		n := 0
		for bit := 0; bit == 0 || bit < n; bit++ {
			err := exchange(0, func(b []byte) []byte {
				n = len(b) * 8
				b[bit/8] ^= 1 << (bit % 8)
				return b
			})
			if !errors.Is(err, sm.ErrMAC) && !errors.Is(err, device.ErrProtocol) {
				t.Errorf("%v: Unwrap with bit %d changed = %v, want an error", s, bit, err)
			}
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	for _, w := range worked {
		f.Add(true, unhex(f, w.resp))
	}
	f.Add(false, []byte{0x99, 2, 0x90, 0, 0x8E, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(false, []byte{0x87, 1, 1, 0x99, 2, 0x90, 0, 0x8E, 0})
	f.Fuzz(func(t *testing.T, tdes bool, b []byte) {
		s := sm.AES128
		if tdes {
			s = sm.TDES
		}
		reader, _ := pair(s)
		reader.Wrap(iso7816.Command{Ins: 0xB0, Le: 16})
		if data, _, err := reader.Unwrap(0xB0, b); err == nil {
			t.Errorf("Unwrap(%x) = %x, nil: nobody sealed it", b, data)
		}
	})
}

func FuzzOpen(f *testing.F) {
	for _, w := range worked {
		f.Add(unhex(f, w.wrapped)[5:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, chip := pair(sm.AES128)
		if c, err := chip.Open(iso7816.Command{Cla: 0x0C, Ins: 0xB0, Data: b}); err == nil {
			t.Errorf("Open(%x) = %+v, nil: nobody sealed it", b, c)
		}
	})
}
