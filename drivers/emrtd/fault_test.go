package emrtd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/sync/citizen"
)

// TestCopy: a chip with the files and without the key is a copy.
func TestCopy(t *testing.T) {
	for _, s := range []sm.Suite{sm.TDES, sm.AES128} {
		profile, err := emrtdcard.SpecimenWith(issuer(t), emrtdcard.Zone, s, emrtdcard.PACEBrainpool)
		if err != nil {
			t.Fatal(err)
		}
		other, err := emrtdcard.SpecimenWith(issuer(t), emrtdcard.Zone, s, emrtdcard.PACEBrainpool)
		if err != nil {
			t.Fatal(err)
		}
		profile.ChipKey = other.ChipKey
		if _, err := open(t, put(profile), zone(t)).Read(t.Context()); !errors.Is(err, emrtd.ErrCopy) {
			t.Errorf("Read of a copy (%v) = %v, want ErrCopy", s, err)
		}
	}
}

// TestActiveAuthentication: chips without a key for Chip Authentication sign a
// challenge, with RSA or on a curve, and a copy cannot.
func TestActiveAuthentication(t *testing.T) {
	for _, k := range []emrtdcard.Kind{emrtdcard.ECDSA, emrtdcard.Brainpool, emrtdcard.RSA} {
		profile := func() emrtdcard.Profile {
			p, err := emrtdcard.SpecimenActive(issuer(t), k, emrtdcard.PACEBrainpool)
			if err != nil {
				t.Fatal(err)
			}
			p.Extended = 1024 // an answer of 2048 bits has no room in a short one
			return p
		}
		can := iso7816.Capabilities{Protocol: device.TCL, Longest: 1024, Extended: true, InFile: true}
		open := func(c *emrtdcard.Card) (*emrtd.Passport, error) {
			c.Activate()
			chip, err := emrtd.Open(t.Context(), iso7816.With(&inHand{Card: c}, can), zone(t), emrtd.Opts{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			return chip.Read(t.Context())
		}
		card := emrtdcard.New(profile())
		p, err := open(card)
		if err != nil {
			t.Fatalf("kind %d: Read = %v, want nil", k, err)
		}
		if f := p.Judge(trust(t, issuer(t)), now); f.Genuine.Answer != pa.Yes || f.Whole.Answer != pa.Yes {
			t.Errorf("kind %d: Judge = %+v, want genuine", k, f)
		}
		clone := emrtdcard.New(profile()) // another chip with another key and the first one's files
		for _, f := range []lds.File{lds.SOD, lds.DG15.File()} {
			clone.Replace(f, card.File(f))
		}
		if _, err := open(clone); !errors.Is(err, emrtd.ErrCopy) {
			t.Errorf("kind %d: Read of a copy = %v, want ErrCopy", k, err)
		}
		if k == emrtdcard.RSA {
			can = iso7816.Capabilities{} // a reader of short APDUs
			p, err := open(card)
			if err != nil {
				t.Fatalf("Read in short APDUs = %v, want nil", err)
			}
			if f := p.Judge(trust(t, issuer(t)), now); f.Genuine.Answer != pa.Unknown {
				t.Errorf("Genuine in short APDUs = %v, want unknown", f.Genuine)
			}
		}
	}
}

// TestFaults: whatever goes wrong while reading ends in an error, and secure
// messaging is not used again.
func TestFaults(t *testing.T) {
	for name, f := range map[string]struct {
		fault emrtdcard.Fault
		want  error
	}{
		"wrong code":     {emrtdcard.BadMAC, sm.ErrMAC},
		"older answer":   {emrtdcard.Replay, sm.ErrMAC},
		"in the clear":   {emrtdcard.InClear, nil},
		"refusal":        {emrtdcard.Refusal, nil},
		"half an answer": {emrtdcard.Truncated, nil},
	} {
		for after := range 12 {
			c := put(specimen(t, emrtdcard.PACEBrainpool))
			chip := open(t, &later{c, after, f.fault, 0}, zone(t))
			_, err := chip.Read(t.Context(), emrtd.Groups...)
			if err == nil || f.want != nil && !errors.Is(err, f.want) && !errors.Is(err, emrtd.ErrCopy) {
				t.Errorf("%s after %d: Read = %v, want %v", name, after, err, f.want)
			}
			before := c.commands
			if _, err := chip.Read(t.Context()); !errors.Is(err, emrtd.ErrEnded) || c.commands != before {
				t.Errorf("%s after %d: Read once more = %v with %d commands, want ErrEnded and none", name, after, err, c.commands-before)
			}
		}
	}
	for _, f := range []emrtdcard.Fault{emrtdcard.Echo, emrtdcard.OffCurve} {
		for _, tag := range []byte{0x81, 0x83} {
			c := &onKey{put(specimen(t, emrtdcard.PACEBrainpool)), tag, f}
			if _, err := emrtd.Open(t.Context(), c, zone(t), emrtd.Opts{Now: now}); !errors.Is(err, device.ErrProtocol) {
				t.Errorf("Open with fault %d of key %X = %v, want ErrProtocol", f, tag, err)
			}
		}
	}
}

// later injects a fault after some protected answers since the application was
// selected.
type later struct {
	*inHand
	after int
	fault emrtdcard.Fault
	seen  int
}

func (l *later) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	if apdu[0]&0x0C != 0 {
		if l.seen == l.after+1 {
			l.Inject(l.fault)
		}
		l.seen++
	}
	return l.inHand.Transmit(ctx, apdu)
}

// onKey injects a fault for the key of PACE that comes in tag.
type onKey struct {
	*inHand
	tag   byte
	fault emrtdcard.Fault
}

func (o *onKey) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	if bytes.HasPrefix(apdu, []byte{0x10, 0x86, 0, 0, 0x45, 0x7C, 0x43, o.tag}) {
		o.Inject(o.fault)
	}
	return o.inHand.Transmit(ctx, apdu)
}

// TestMissing: files that a chip lists and does not give, and what is never read.
func TestMissing(t *testing.T) {
	c := put(specimen(t, emrtdcard.PACEBrainpool))
	c.Replace(lds.DG11.File(), nil)
	chip := open(t, c, zone(t))
	p := read(t, chip)
	if !slices.Equal(p.Missing, []lds.Group{lds.DG11}) || p.Details != nil {
		t.Errorf("Missing = %v, want DG11", p.Missing)
	}
	if f := p.Judge(trust(t, issuer(t)), now); answers(f) != allGood {
		t.Errorf("Judge without DG11 = %+v, want all yes: what was read is whole", f)
	}
	for _, g := range []lds.Group{3, 4} {
		before := c.commands
		if _, err := chip.File(t.Context(), g.File()); !errors.Is(err, device.ErrUnsupported) || c.commands != before {
			t.Errorf("File of %v = %v, want ErrUnsupported and no command", g, err)
		}
		if _, err := chip.Read(t.Context(), g); !errors.Is(err, device.ErrUnsupported) || c.commands != before {
			t.Errorf("Read of %v = %v, want ErrUnsupported and no command", g, err)
		}
	}
	for _, f := range []lds.File{lds.COM, lds.SOD, lds.DG1.File()} {
		c := put(specimen(t))
		c.Replace(f, nil)
		if _, err := open(t, c, zone(t)).Read(t.Context()); iso7816.StatusOf(err) != iso7816.NotFound {
			t.Errorf("Read without %v = %v, want 6A82", f, err)
		}
	}
}

// greedy gives more than it is asked for, and, with nothing, nothing.
type greedy struct {
	*inHand
	more []byte
}

func (g greedy) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	r, err := g.inHand.Transmit(ctx, apdu)
	if apdu[1] != 0xB0 || len(r) == 2 || apdu[3] == 0 {
		return r, err
	}
	if g.more == nil {
		return r[len(r)-2:], err
	}
	return append(bytes.Clone(g.more), r...), err
}

// TestLengths: a chip that gives other lengths than were asked for is refused,
// and nothing is read for ever.
func TestLengths(t *testing.T) {
	for _, more := range [][]byte{nil, {1}, bytes.Repeat([]byte{1}, 200)} {
		c := greedy{put(specimen(t, emrtdcard.PACEBrainpool)), more}
		if _, err := emrtd.Open(t.Context(), c, zone(t), emrtd.Opts{Now: now}); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("Open of a chip with %d bytes more = %v, want ErrProtocol", len(more), err)
		}
	}
}

// TestLongFile reads past what the even instruction can reach.
func TestLongFile(t *testing.T) {
	c := put(specimen(t, emrtdcard.PACEBrainpool))
	long := iso7816.AppendTLV(nil, 0x6D, bytes.Repeat([]byte("long "), 9000))
	c.Replace(lds.Group(13).File(), long)
	got, err := open(t, c, zone(t)).File(t.Context(), lds.Group(13).File())
	if err != nil || !bytes.Equal(got, long) {
		t.Errorf("File of %d bytes = %d bytes, %v", len(long), len(got), err)
	}
}

// TestNothingPersonalPrints tries the ways in which a value gets into a log.
func TestNothingPersonalPrints(t *testing.T) {
	c := put(specimen(t, emrtdcard.PACEBrainpool))
	pw := zone(t)
	chip := open(t, c, pw)
	p := read(t, chip)
	_, bad := emrtd.Open(t.Context(), put(specimen(t)), emrtd.Key(citizen.NewText("L898902C4774081223504152")), emrtd.Opts{})
	for _, v := range []any{p, *p, pw, chip, p.Zone, p.Face, *p.Details, bad, p.Judge(pa.Trust{}, now)} {
		var b bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			fmt.Fprintf(&b, verb, v)
		}
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		for _, secret := range []string{"ERIKSSON", "L898902", "740812", emrtdcard.CAN, "ZENITH", "FAC\x00"} {
			if strings.Contains(b.String(), secret) || strings.Contains(b.String(), fmt.Sprintf("%x", secret)) {
				t.Errorf("%T shows %q", v, secret)
			}
		}
	}
}
