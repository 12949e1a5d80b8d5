package main

import (
	"encoding/hex"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// ofSeal checks a printed seal.
func (c check) ofSeal(name string, s *seal.Sealed) result {
	known := c.bundle
	if known == nil {
		known = new(trust.Bundle)
	}
	rep := s.VerifyIn(c.cat.FieldOf(s.Service), known, c.now, c.revoked)
	date := s.Date
	r := result{
		Name: name, Kind: s.Kind, Document: hex.EncodeToString(s.Doc), Service: s.Service, SignedBy: s.Issuer,
		Claimed: &date, Provisional: true, Age: rep.RevocationAge.Seconds(),
		Check: edoc.FormatCode(s.CheckNumber()), Index: s.Index, TreeSize: s.Size, Root: hex.EncodeToString(s.Root), Stated: len(s.Facts),
	}
	if !s.Expires.IsZero() {
		t := s.Expires
		r.Expires = &t
	}
	if s.Total != 0 {
		r.Part = &part{len(s.Facts), s.Total}
	}
	if s.Subject != "" {
		r.Stated++
	}
	if c.show {
		r.Facts = map[string]string{}
		for _, f := range s.Facts {
			r.Facts[f[0]] = f[1]
		}
		if s.Subject != "" {
			r.Facts["subject"] = s.Subject
		}
	}
	if c.bundle == nil { // the key that a seal is checked with is in the bundle
		rep.Finding = trust.Finding{Verdict: trust.Unknown, Reason: explain.ReasonNoTrust}
		rep.Revocation = rep.Finding
	}
	r.Seal, r.Revocation = c.foundp(explain.Seal, rep.Finding), c.foundp(explain.Revocation, rep.Revocation)
	return r.judge()
}

// over reports whether the seal was genuine and is no longer in force.
func (r result) over() bool {
	return r.Seal != nil && (r.Seal.Reason == seal.ReasonRevoked || r.Seal.Reason == seal.ReasonExpired)
}
