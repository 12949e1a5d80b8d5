package kiosk

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/journal/evidence"
	"github.com/penjire/penjire/sync/outbox"
)

// errAsk is a question that cannot be understood.
var errAsk = errors.New("want code=, seal= or index=")

// prove answers GET /journal/prove on the control socket with a proof file
// (outbox.md, section 8). It is asked for by one of:
//
//	code=   a tracking code, as people type it
//	seal=   the text of the paper receipt's QR code
//	index=  a place in the journal
//
// What it says names no one. The code is not logged and not in the proof.
func (k *Kiosk) prove(w http.ResponseWriter, r *http.Request) {
	index, err := k.place(r)
	var p *evidence.Proof
	if err == nil {
		p, err = evidence.Prove(r.Context(), k.box, k.proofs, index, k.signHead)
	}
	var b []byte
	if err == nil {
		b, err = p.Marshal()
	}
	switch {
	case errors.Is(err, errAsk), errors.Is(err, edoc.ErrCode), errors.Is(err, seal.ErrNotASeal):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, outbox.ErrNotFound):
		http.Error(w, "this journal has no such entry", http.StatusNotFound)
	case err != nil:
		k.log.Error("an entry of the journal could not be proved", "err", err)
		http.Error(w, "the proof could not be made", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b) // whoever asked went away: nothing to do
	}
}

// place returns which entry is asked for.
func (k *Kiosk) place(r *http.Request) (int64, error) {
	q := r.URL.Query()
	switch {
	case q.Get("code") != "":
		code, err := edoc.ParseCode(q.Get("code"))
		if err != nil {
			return 0, err
		}
		req, err := k.box.ByCode(r.Context(), code)
		if err != nil {
			return 0, err
		}
		if req.Epoch != k.box.Stats(r.Context()).Epoch {
			return 0, fmt.Errorf("kiosk: prove an entry of another epoch: %w", outbox.ErrNotFound)
		}
		return req.Index, nil
	case q.Get("seal") != "":
		s, err := seal.Parse(q.Get("seal"))
		if err != nil {
			return 0, err
		}
		epoch := k.box.Stats(r.Context()).Epoch
		if s.Kind != seal.Receipt || s.Issuer != k.s.Kiosk || !strings.HasPrefix(string(epoch[:]), string(s.Epoch)) {
			return 0, fmt.Errorf("kiosk: prove an entry of another kiosk or epoch: %w", outbox.ErrNotFound)
		}
		return s.Index, nil
	case q.Get("index") != "":
		i, err := strconv.ParseInt(q.Get("index"), 10, 64)
		if err != nil || i < 0 {
			return 0, errAsk
		}
		return i, nil
	}
	return 0, errAsk
}

// signHead signs a head for a proof of what the portal has not seen yet. It
// takes no number of the counter: it goes to no portal.
func (k *Kiosk) signHead(c journal.Checkpoint) (*journal.Head, error) {
	s := k.signer()
	return c.Sign(k.s.Kiosk, s, k.clock.Now(), !trust.Listed(k.know.trust().SealSigners, s.Cert))
}
