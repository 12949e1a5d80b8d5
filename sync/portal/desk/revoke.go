package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/ledger"
)

// revokeView is the page on which the seal of an answer is revoked.
type revokeView struct {
	requestView
	Number  string // check number on the copies
	Reasons []string
}

// revoked returns the revocation of the seal of the answer to doc; nil if there
// is none.
func (d *Desk) revoked(ctx context.Context, doc ledger.Doc) (*ledger.Revocation, error) {
	all, err := d.portal.Ledger().RevokedSeals(ctx)
	if err != nil {
		return nil, fmt.Errorf("desk: open request: %w", err)
	}
	for _, r := range all {
		if r.Doc == doc {
			return &r, nil
		}
	}
	return nil, nil
}

// revocable loads what the page is about. When it returns false it has answered.
func (d *Desk) revocable(w http.ResponseWriter, r *http.Request, o Officer) (*revokeView, bool) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err == nil && (q.Answer == nil || q.Answer.Seal == "") {
		err = ledger.ErrNotFound
	}
	if err != nil {
		d.fail(w, r, o, err)
		return nil, false
	}
	v, err := d.requestView(w, r, o, q)
	if err != nil {
		d.fail(w, r, o, err)
		return nil, false
	}
	if v.Answer.Revoked != nil { // revoked meanwhile, or the button pressed twice
		http.Redirect(w, r, "/desk/requests/"+hexDoc(q.Doc), http.StatusSeeOther)
		return nil, false
	}
	s, err := seal.Parse(q.Answer.Seal)
	if err != nil {
		d.fail(w, r, o, err)
		return nil, false
	}
	v.Self += "/revoke"
	return &revokeView{requestView: *v, Number: formatCode(s.CheckNumber()), Reasons: ledger.RevokeReasons}, true
}

func (d *Desk) revokeForm(w http.ResponseWriter, r *http.Request, o Officer) {
	if v, ok := d.revocable(w, r, o); ok {
		d.send(w, http.StatusOK, "revoke", v)
	}
}

func (d *Desk) revoke(w http.ResponseWriter, r *http.Request, o Officer) {
	v, ok := d.revocable(w, r, o)
	if !ok {
		return
	}
	reason := r.PostFormValue("reason")
	if !slices.Contains(ledger.RevokeReasons, reason) {
		v.Fault = true
		d.send(w, http.StatusUnprocessableEntity, "revoke", v)
		return
	}
	err := d.portal.RevokeSeal(context.WithoutCancel(r.Context()), o.Agency, v.Req.Request.Doc, reason, o.Name)
	if err != nil && !errors.Is(err, ledger.ErrRevoked) {
		d.fail(w, r, o, err)
		return
	}
	d.log.Info("desk: revoked a seal", "doc", v.Req.Doc, "reason", reason, "officer", o.ID)
	http.Redirect(w, r, "/desk/requests/"+v.Req.Doc, http.StatusSeeOther)
}

func (d *Desk) apiRevoke(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	var in struct {
		Reason string `json:"reason"`
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		apiError(w, http.StatusBadRequest, "json")
		return
	}
	if !slices.Contains(ledger.RevokeReasons, in.Reason) {
		apiError(w, http.StatusUnprocessableEntity, "reason")
		return
	}
	if err := d.portal.RevokeSeal(context.WithoutCancel(r.Context()), o.Agency, q.Doc, in.Reason, o.Name); err != nil {
		d.apiFail(w, r, err)
		return
	}
	d.log.Info("desk: revoked a seal", "doc", hexDoc(q.Doc), "reason", in.Reason, "officer", o.ID)
	d.apiGet(w, r, o)
}
