package main

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/wire"
)

// kindReceipt is the portal's receipt for one request, as penjire queue receipt
// writes it.
const kindReceipt = "portal-receipt"

// record is which bytes a portal's receipt is about.
type record struct {
	Epoch  string `json:"epoch"`
	Seq    uint64 `json:"seq"`
	Digest string `json:"digest"` // SHA-256 of the sealed bytes
	Fork   string `json:"fork,omitempty"`
}

// decisions are what a receipt says; its words are in labels.
var decisions = map[uint8]string{
	wire.StageDelivered: "received", wire.StageRegistered: "registered", wire.StageRefused: "refused",
}

// ofReceipt checks what the portal signed about one request: offline, and without
// the request.
func (c check) ofReceipt(name string, b []byte) result {
	if c.bundle == nil {
		r := result{Name: name, Kind: kindReceipt}
		r.Signer = c.foundp(explain.Signer, trust.Finding{Verdict: trust.Unknown, Reason: explain.ReasonNoTrust})
		return r.judge()
	}
	x, cert, err := c.parseReceipt(b)
	switch {
	case errors.Is(err, wire.ErrStranger): // a portal's certificate may be newer than the bundle, or older
		r := result{Name: name, Kind: kindReceipt}
		r.Signer = c.foundp(explain.Signer, trust.Finding{Verdict: trust.Unknown, Reason: edoc.ReasonNoSigner})
		return r.judge()
	case errors.Is(err, wire.ErrSigned):
		r := result{Name: name, Kind: kindReceipt}
		r.Whole = c.foundp(explain.Whole, trust.Finding{Verdict: trust.No, Reason: edoc.ReasonBroken})
		return r.judge()
	case err != nil:
		return c.unreadable(name, explain.ReasonUnreadable, err)
	}
	at := x.When()
	// Nothing but the portal's clock says when: its certificate must be good now, too.
	rep := c.bundle.CheckCert(cert, trust.UsePortal, at, false, c.now)
	r := result{
		Name: name, Kind: kindReceipt, Document: hex.EncodeToString(x.Doc[:]), Provisional: true, Age: rep.RevocationAge.Seconds(),
		Kiosk: x.Kiosk, SignedBy: "portal " + x.Confirmer, Claimed: &at, Decision: decisions[x.Stage], Reason: x.Reason,
		Record: &record{Epoch: hex.EncodeToString(x.Epoch[:]), Seq: x.Seq, Digest: hex.EncodeToString(x.Digest[:]), Fork: hex.EncodeToString(x.Fork)},
	}
	r.Whole = c.foundp(explain.Whole, trust.Finding{Verdict: trust.Yes, Reason: trust.ReasonOK})
	r.Signer, r.Revocation = c.foundp(explain.Signer, rep.Chain), c.foundp(explain.Revocation, rep.Revocation)
	return r.judge()
}

// parseReceipt also returns the certificate that the receipt was signed with.
func (c check) parseReceipt(b []byte) (x wire.Receipt, cert *x509.Certificate, err error) {
	err = wire.ErrStranger
	for _, cert = range c.bundle.Portals {
		if x, err = wire.ParseReceipt(b, []*x509.Certificate{cert}); !errors.Is(err, wire.ErrStranger) {
			break
		}
	}
	return x, cert, err
}

// said is a portal's receipt in words.
func (r result) said(lang string) string {
	s := word(lang, "stage "+r.Decision)
	if r.Reason != "" {
		s += " (" + r.Reason + ")"
	}
	return fmt.Sprintf("%s: %s %d", s, r.Kiosk, r.Record.Seq)
}
