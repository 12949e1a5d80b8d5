package emrtd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/mrz"
	"github.com/penjire/penjire/sync/citizen"
)

var now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// inHand is a card without a reader; it counts what goes by.
type inHand struct {
	*emrtdcard.Card
	commands, bytes int
}

func (c *inHand) Transmit(_ context.Context, apdu []byte) ([]byte, error) {
	r := c.Card.Transmit(apdu)
	c.commands++
	c.bytes += len(apdu) + len(r)
	return r, nil
}

// utopia is one issuer for all tests that need no other.
var utopia = sync.OnceValues(func() (*emrtdcard.Issuer, error) { return emrtdcard.NewIssuer(emrtdcard.IssuerOpts{}) })

func issuer(t testing.TB) *emrtdcard.Issuer {
	t.Helper()
	i, err := utopia()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func specimen(t testing.TB, ways ...emrtdcard.PACE) emrtdcard.Profile {
	t.Helper()
	p, err := emrtdcard.Specimen(issuer(t), ways...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func put(p emrtdcard.Profile) *inHand {
	c := emrtdcard.New(p)
	c.Activate()
	return &inHand{Card: c}
}

func zone(t testing.TB) emrtd.Password {
	t.Helper()
	d, err := mrz.Parse([]byte(emrtdcard.Zone), mrz.Opts{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return emrtd.Zone(d)
}

func can(t testing.TB, digits string) emrtd.Password {
	t.Helper()
	p, err := emrtd.CAN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func trust(t testing.TB, i *emrtdcard.Issuer) pa.Trust {
	t.Helper()
	l, err := pa.ParseTrust(i.Authority)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// answers is the findings in one word each: whole, signed, in time, state,
// genuine, opened.
func answers(f emrtd.Findings) string {
	return fmt.Sprintf("%v %v %v %v %v %v", f.Whole.Answer, f.Signed.Answer, f.InTime.Answer, f.State.Answer, f.Genuine.Answer, f.Opened.Answer)
}

const allGood = "yes yes yes yes yes yes"

func open(t testing.TB, c iso7816.Transmitter, p emrtd.Password) *emrtd.Chip {
	t.Helper()
	chip, err := emrtd.Open(t.Context(), c, p, emrtd.Opts{Now: now})
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	return chip
}

func read(t testing.TB, c *emrtd.Chip) *emrtd.Passport {
	t.Helper()
	p, err := c.Read(t.Context(), emrtd.Groups...)
	if err != nil {
		t.Fatalf("Read = %v, want nil", err)
	}
	return p
}

// TestReads opens specimens in every way and reads all there is.
func TestReads(t *testing.T) {
	type open struct {
		ways     []emrtdcard.PACE
		chip     sm.Suite
		password emrtd.Password
		want     string
	}
	cases := map[string]open{
		"BAC":                     {nil, sm.AES128, zone(t), "BAC with AES-128 and MRZ"},
		"BAC, chip in 3DES":       {nil, sm.TDES, zone(t), "BAC with 3DES and MRZ"},
		"PACE, MRZ":               {[]emrtdcard.PACE{emrtdcard.PACEBrainpool}, sm.AES128, zone(t), "PACE with AES-128 on brainpoolP256r1 and MRZ"},
		"PACE, chip in 3DES":      {[]emrtdcard.PACE{emrtdcard.PACEBrainpool}, sm.TDES, can(t, emrtdcard.CAN), "PACE with 3DES on brainpoolP256r1 and CAN"},
		"PACE, chip in AES-256":   {[]emrtdcard.PACE{emrtdcard.PACEBrainpool}, sm.AES256, can(t, emrtdcard.CAN), "PACE with AES-256 on brainpoolP256r1 and CAN"},
		"PACE, the stronger of 2": {[]emrtdcard.PACE{emrtdcard.Way(sm.AES128, 12), emrtdcard.Way(sm.AES128, 15)}, sm.AES192, zone(t), "PACE with AES-192 on NIST P-384 and MRZ"},
	}
	for params := 8; params <= 18; params++ {
		for _, s := range []sm.Suite{sm.TDES, sm.AES128, sm.AES192, sm.AES256} {
			if s != sm.AES128 && params != 13 && params != 12 && params != 18 {
				continue // every suite, and every curve; not each with each
			}
			cases[fmt.Sprintf("PACE %v %d", s, params)] = open{[]emrtdcard.PACE{emrtdcard.Way(s, params)}, s, can(t, emrtdcard.CAN), ""}
		}
	}
	for i, s := range []sm.Suite{sm.TDES, sm.AES128, sm.AES192, sm.AES256} {
		params := []int{12, 13, 15, 18}[i]
		cases[fmt.Sprintf("PACE %v %d, integrated", s, params)] = open{[]emrtdcard.PACE{emrtdcard.WayIntegrated(s, params)}, s, zone(t), ""}
	}
	for name, v := range cases {
		t.Run(name, func(t *testing.T) {
			profile, err := emrtdcard.SpecimenWith(issuer(t), emrtdcard.Zone, v.chip, v.ways...)
			if err != nil {
				t.Fatal(err)
			}
			chip, err := emrtd.Open(t.Context(), put(profile), v.password, emrtd.Opts{Now: now})
			if err != nil {
				t.Fatalf("Open = %v, want nil", err)
			}
			p := read(t, chip)
			if v.want != "" && p.Access.String() != v.want {
				t.Errorf("Access = %v, want %s", p.Access, v.want)
			}
			if p.Zone.Surname.Reveal() != "ERIKSSON" || p.Zone.Expiry.Reveal() != "2035-04-15" {
				t.Errorf("Zone is not the specimen's")
			}
			if p.Face == nil || p.Face.Type != "image/jpeg" || len(p.Face.Data.Reveal()) < 5000 {
				t.Errorf("Face = %+v, want a JPEG", p.Face)
			}
			if p.Details == nil || p.Details.Name.Reveal() != "ERIKSSON<<ANNA<MARIÄ" || p.Details.Birth.Reveal() != "19740812" {
				t.Error("Details are not the specimen's")
			}
			if f := p.Judge(trust(t, issuer(t)), now); answers(f) != allGood || f.By != "UT" {
				t.Errorf("Judge = %+v, want all yes", f)
			}
		})
	}
}

// TestPasswords: a wrong one is said to be wrong, and PACE refused is never
// tried as BAC.
func TestPasswords(t *testing.T) {
	other := emrtd.Key(citizen.NewText("L898902C4774081223504152"))
	pace, bac := specimen(t, emrtdcard.PACEBrainpool), specimen(t)
	noCAN := pace
	noCAN.CAN = ""
	field := emrtdcard.PACE{OID: []int{0, 4, 0, 127, 0, 7, 2, 2, 4, 1, 2}, Suite: sm.AES128, Params: 2}
	for name, v := range map[string]struct {
		profile  emrtdcard.Profile
		password emrtd.Password
		want     error
	}{
		"PACE, wrong CAN":            {pace, can(t, "123457"), emrtd.ErrPassword},
		"PACE, another zone":         {pace, other, emrtd.ErrPassword},
		"BAC, another zone":          {bac, other, emrtd.ErrPassword},
		"BAC, CAN":                   {bac, can(t, emrtdcard.CAN), emrtd.ErrNoAccess},
		"PACE without CAN":           {noCAN, can(t, emrtdcard.CAN), emrtd.ErrNoAccess},
		"nothing":                    {pace, emrtd.Password{}, emrtd.ErrNoAccess},
		"PACE of another kind alone": {specimen(t, field), zone(t), emrtd.ErrNoAccess},
	} {
		c := put(v.profile)
		_, err := emrtd.Open(t.Context(), &noBAC{c, t, strings.HasPrefix(name, "PACE")}, v.password, emrtd.Opts{Now: now})
		if !errors.Is(err, v.want) {
			t.Errorf("%s: Open = %v, want %v", name, err, v.want)
		}
	}
	c, err := emrtd.Open(t.Context(), put(specimen(t, field)), zone(t), emrtd.Opts{Now: now, BACInstead: true})
	if err != nil {
		t.Fatalf("Open with BACInstead = %v, want nil", err)
	}
	if f := read(t, c).Judge(trust(t, issuer(t)), now); f.Opened.Answer != pa.No {
		t.Errorf("Opened with BAC instead of PACE = %v, want no", f.Opened)
	}
	if _, err := emrtd.CAN("12345"); err == nil {
		t.Error("CAN of five digits = nil, want an error")
	}
	if _, err := emrtd.CAN("12345x"); err == nil || strings.Contains(err.Error(), "12345") {
		t.Errorf("CAN with a letter = %v, want an error without it", err)
	}
}

// noBAC fails the test if BAC is tried where there is PACE.
type noBAC struct {
	*inHand
	t    *testing.T
	pace bool
}

func (n *noBAC) Transmit(ctx context.Context, apdu []byte) ([]byte, error) {
	if n.pace && (apdu[1] == 0x84 || apdu[1] == 0x82) {
		n.t.Errorf("command %X: BAC is tried on a chip with PACE", apdu[:4])
	}
	return n.inHand.Transmit(ctx, apdu)
}

// TestHiddenPACE: who hides EF.CardAccess gets BAC, and is found out by DG14.
func TestHiddenPACE(t *testing.T) {
	c := put(specimen(t, emrtdcard.PACEBrainpool))
	c.Replace(lds.CardAccess, nil)
	p := read(t, open(t, c, zone(t)))
	if f := p.Judge(trust(t, issuer(t)), now); answers(f) != "yes yes yes yes yes no" {
		t.Errorf("Judge = %+v, want Opened no and the rest yes", f)
	}
}
