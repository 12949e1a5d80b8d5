package emrtd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/mrz"
	"github.com/penjire/penjire/sync/citizen"
)

// Passport is what a chip said. Nothing of it is to be believed before Judge.
type Passport struct {
	Access  Access
	Version string // of the logical data structure
	Zone    *mrz.Document
	Face    *lds.Face    // nil: not asked for, or not there
	Details *lds.Details // likewise
	Missing []lds.Group  // asked for and listed by the chip, which then did not give them

	sod     *pa.SOD
	files   map[lds.Group]citizen.Text
	genuine pa.Finding
	hasPACE bool // DG14 tells of PACE
}

// Groups are the data groups that Read knows.
var Groups = []lds.Group{lds.DG1, lds.DG2, lds.DG11}

// Read reads the chip: EF.COM and EF.SOD, then DG14 or DG15 if there is one, with
// which the chip proves itself, then DG1 and of the other groups those that are
// asked for and there. A chip that fails the proof is read no further: ErrCopy.
func (c *Chip) Read(ctx context.Context, groups ...lds.Group) (*Passport, error) {
	for _, g := range groups {
		if !slices.Contains(Groups, g) {
			return nil, fmt.Errorf("emrtd: read %v: %w", g, device.ErrUnsupported)
		}
	}
	p := &Passport{files: map[lds.Group]citizen.Text{}}
	b, err := c.File(ctx, lds.COM)
	if err != nil {
		return nil, err
	}
	common, err := lds.ParseCommon(b)
	if err != nil {
		return nil, err
	}
	p.Version = common.Version
	if b, err = c.File(ctx, lds.SOD); err != nil {
		return nil, err
	}
	if p.sod, err = pa.ParseSOD(b); err != nil {
		return nil, err
	}
	// EF.COM is not signed: what EF.SOD has and it leaves out is read as well.
	there := func(g lds.Group) bool { return slices.Contains(common.Groups, g) || slices.Contains(p.sod.Groups, g) }
	if err := c.prove(ctx, p, there); err != nil {
		return nil, err
	}
	for _, g := range Groups {
		if g != lds.DG1 && (!slices.Contains(groups, g) || !there(g)) {
			continue
		}
		b, err := c.File(ctx, g.File())
		if errors.Is(err, errNoFile) && g != lds.DG1 {
			p.Missing = append(p.Missing, g)
			continue
		}
		if err != nil {
			return nil, err
		}
		p.files[g] = citizen.NewText(string(b))
		if err := p.parse(g, b, c.o.Now); err != nil {
			return nil, err
		}
	}
	p.Access = c.Access
	return p, nil
}

func (p *Passport) parse(g lds.Group, b []byte, now time.Time) (err error) {
	switch g {
	case lds.DG1:
		p.Zone, err = lds.ParseZone(b, now)
	case lds.DG2:
		var f lds.Face
		f, err = lds.ParseFace(b)
		p.Face = &f
	case lds.DG11:
		var d lds.Details
		d, err = lds.ParseDetails(b)
		p.Details = &d
	}
	return err
}

// prove has the chip prove that it is no copy, with Chip Authentication or, if it
// has no key for that, with Active Authentication.
func (c *Chip) prove(ctx context.Context, p *Passport, there func(lds.Group) bool) error {
	b, err := c.keys(ctx, p, lds.DG14, there)
	if err != nil {
		return err
	}
	if b != nil {
		s, err := lds.ParseDG14(b)
		if err != nil {
			return err
		}
		p.hasPACE = len(s.PACE) > 0
		switch err := c.authenticate(ctx, s); {
		case err == nil:
			p.genuine = pa.Finding{Answer: pa.Yes, Why: "chip has the key in DG14"}
			return nil
		case !errors.Is(err, errNoChipAuth):
			return err
		}
	}
	if b, err = c.keys(ctx, p, lds.DG15, there); err != nil {
		return err
	}
	switch {
	case b != nil:
		err := c.active(ctx, b)
		if iso7816.StatusOf(err) != 0 && c.dead == nil {
			// An answer with a long key takes extended lengths, which a reader may not have.
			p.genuine = pa.Finding{Answer: pa.Unknown, Why: "chip did not sign a challenge, for which its answer may be too long here: a copy would not, either"}
			return nil
		}
		if err != nil {
			return err
		}
		p.genuine = pa.Finding{Answer: pa.Yes, Why: "chip has the key in DG15"}
	case len(p.Missing) > 0:
		p.genuine = pa.Finding{Answer: pa.Unknown, Why: "chip lists a key and does not give it: a copy would do so"}
	default:
		p.genuine = pa.Finding{Answer: pa.Unknown, Why: "chip has no key of a kind known here to prove itself with: a copy of it would not be noticed"}
	}
	return nil
}

// keys reads a group with a key, nil if there is none.
func (c *Chip) keys(ctx context.Context, p *Passport, g lds.Group, there func(lds.Group) bool) ([]byte, error) {
	if !there(g) {
		return nil, nil
	}
	b, err := c.File(ctx, g.File())
	if errors.Is(err, errNoFile) {
		p.Missing = append(p.Missing, g)
		return nil, nil
	}
	if err == nil {
		p.files[g] = citizen.NewText(string(b))
	}
	return b, err
}

// Findings are the answers about a document, each for itself. Those of passive
// authentication are in pa.Findings.
type Findings struct {
	pa.Findings
	Genuine pa.Finding // the chip is the one that the data was signed for, not a copy
	Opened  pa.Finding // it was opened in the strongest way that its signed data tells of
}

// Judge answers for what was read, with the states' certificates in trust, for
// the time at; a zero at leaves the certificates' time unknown.
func (p *Passport) Judge(trust pa.Trust, at time.Time) Findings {
	files := map[lds.Group][]byte{}
	for g, b := range p.files {
		files[g] = []byte(b.Reveal())
	}
	issuer := ""
	if p.Zone != nil {
		issuer = p.Zone.Issuer
	}
	f := Findings{Findings: pa.Judge(p.sod, files, issuer, trust, at), Genuine: p.genuine}
	if f.Genuine.Answer == pa.Yes && (f.Whole.Answer != pa.Yes || f.Signed.Answer != pa.Yes) {
		f.Genuine = pa.Finding{Answer: pa.Unknown, Why: f.Genuine.Why + ", and it is not known that a state signed that"}
	}
	switch {
	case p.Access.Protocol == "PACE":
		f.Opened = pa.Finding{Answer: pa.Yes, Why: "with PACE"}
	case p.hasPACE:
		f.Opened = pa.Finding{Answer: pa.No, Why: "with BAC, and DG14 tells of PACE: someone may have hidden it, or it is of a kind not known here"}
	case p.files[lds.DG14].IsZero():
		f.Opened = pa.Finding{Answer: pa.Unknown, Why: "with BAC, and without DG14 it is not known whether there is PACE"}
	default:
		f.Opened = pa.Finding{Answer: pa.Yes, Why: "with BAC, and DG14 tells of nothing better"}
	}
	return f
}
