package emrtd_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
)

// TestJudge: each question has its own answer.
func TestJudge(t *testing.T) {
	utopia := issuer(t)
	newIssuer := func(o emrtdcard.IssuerOpts) *emrtdcard.Issuer {
		i, err := emrtdcard.NewIssuer(o)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	forger, other := newIssuer(emrtdcard.IssuerOpts{}), newIssuer(emrtdcard.IssuerOpts{Country: "TM"})
	old := newIssuer(emrtdcard.IssuerOpts{NotAfter: now.AddDate(-1, 0, 0)})
	strange := newIssuer(emrtdcard.IssuerOpts{Strange: true})
	outlives := newIssuer(emrtdcard.IssuerOpts{NotAfter: time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)})
	unfit := newIssuer(emrtdcard.IssuerOpts{NotForSigning: true})
	resign := func(by *emrtdcard.Issuer) func(c *inHand) {
		return func(c *inHand) {
			sod, err := by.SOD(specimenFiles(c))
			if err != nil {
				t.Fatal(err)
			}
			c.Replace(lds.SOD, sod)
		}
	}
	for name, v := range map[string]struct {
		change func(c *inHand)
		trust  pa.Trust
		at     time.Time
		want   string
	}{
		"good":                  {nil, trust(t, utopia), now, allGood},
		"time not known":        {nil, trust(t, utopia), time.Time{}, "yes yes unknown yes yes yes"},
		"no list":               {nil, pa.Trust{}, now, "yes unknown unknown unknown unknown yes"},
		"another state's list":  {nil, trust(t, other), now, "yes unknown unknown unknown unknown yes"},
		"signed by a forger":    {resign(forger), trust(t, utopia), now, "yes no unknown unknown unknown yes"},
		"signed by TM":          {resign(other), trust(t, other), now, "yes yes yes no yes yes"},
		"signer out of time":    {resign(old), trust(t, old), now, "yes yes no yes yes yes"},
		"state out of time":     {resign(outlives), trust(t, outlives), time.Date(2055, 1, 1, 0, 0, 0, 0, time.UTC), "yes yes no yes yes yes"},
		"strange extension":     {resign(strange), trust(t, strange), now, "yes unknown unknown unknown unknown yes"},
		"signer not for this":   {resign(unfit), trust(t, unfit), now, "yes no unknown unknown unknown yes"},
		"changed DG11":          {change(lds.DG11, "MARI", "MARK"), trust(t, utopia), now, "no yes yes yes unknown yes"},
		"changed DG2":           {change(lds.DG2, "FAC\x00010\x00", ""), trust(t, utopia), now, "no yes yes yes unknown yes"},
		"changed digest in SOD": {changeSOD, trust(t, utopia), now, "no no unknown unknown unknown yes"},
		"SOD of another": {func(c *inHand) {
			p, err := emrtdcard.SpecimenWith(utopia, strings.Replace(emrtdcard.Zone, "ANNA<MARIA", "ANNE<MARIA", 1), sm.AES128)
			if err != nil {
				t.Fatal(err)
			}
			c.Replace(lds.SOD, p.Files[lds.SOD])
		}, trust(t, utopia), now, "no yes yes yes unknown yes"},
		"DG14 left out": {func(c *inHand) { c.Replace(lds.DG14.File(), nil) }, trust(t, utopia), now, "yes yes yes yes unknown yes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := put(specimen(t, emrtdcard.PACEBrainpool))
			if v.change != nil {
				v.change(c)
			}
			p := read(t, open(t, c, zone(t)))
			f := p.Judge(v.trust, v.at)
			if answers(f) != v.want {
				t.Errorf("Judge = %s, want %s:\n%+v", answers(f), v.want, f)
			}
		})
	}
}

func specimenFiles(c *inHand) map[lds.File][]byte {
	files := map[lds.File][]byte{}
	for _, g := range append(slices.Clone(emrtd.Groups), lds.DG14) {
		files[g.File()] = c.File(g.File())
	}
	return files
}

// change replaces a few bytes of a group; with nothing to put in, its last one.
func change(g lds.Group, from, to string) func(c *inHand) {
	return func(c *inHand) {
		b := c.File(g.File())
		if to == "" {
			b[len(b)-1] ^= 1
		} else {
			b = bytes.Replace(b, []byte(from), []byte(to), 1)
		}
		c.Replace(g.File(), b)
	}
}

// changeSOD changes a digest in EF.SOD, and so breaks its signature.
func changeSOD(c *inHand) {
	b := c.File(lds.SOD)
	at := bytes.Index(b, []byte{0x02, 0x01, 0x02, 0x04, 0x20}) // DG2's digest follows
	b[at+5] ^= 1
	c.Replace(lds.SOD, b)
}

// TestKinds: states sign with different keys, and parameters written out.
func TestKinds(t *testing.T) {
	for _, k := range []emrtdcard.Kind{emrtdcard.ECDSA, emrtdcard.Brainpool, emrtdcard.PSS, emrtdcard.RSA} {
		i, err := emrtdcard.NewIssuer(emrtdcard.IssuerOpts{Kind: k})
		if err != nil {
			t.Fatal(err)
		}
		profile, err := emrtdcard.Specimen(i, emrtdcard.PACEBrainpool)
		if err != nil {
			t.Fatal(err)
		}
		p := read(t, open(t, put(profile), zone(t)))
		if f := p.Judge(trust(t, i), now); answers(f) != allGood {
			t.Errorf("kind %d: Judge = %+v, want all yes", k, f)
		}
		if f := p.Judge(trust(t, issuer(t)), now); f.Signed.Answer == pa.Yes && k != emrtdcard.ECDSA {
			t.Errorf("kind %d: Judge with another authority of that name = %+v, want not signed", k, f)
		}
	}
}
