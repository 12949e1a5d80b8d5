package public

import (
	"net/http"
	"strings"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal/page"
)

// signature puts one signature into words.
func (p *Pages) signature(w *page.Writer, i int, s edoc.SignatureReport, level edoc.Level) signed {
	out := signed{By: p.signer(w, s.Role, s.SignerID, s.SignerName), Level: level.String()}
	if !s.Claimed.IsZero() {
		out.When = append(out.When, w.T("file.claimed", w.Base.Moment(s.Claimed)))
	}
	if !s.Trusted.IsZero() {
		out.When = append(out.When, w.T("file.trusted", w.Base.Moment(s.Trusted)))
	}
	if i > 0 {
		out.Answers = []answerLine{inWords(w.Base.Lang, explain.Signer, s.Signer), inWords(w.Base.Lang, explain.Revocation, s.Revocation)}
	}
	for _, k := range s.Counters {
		var words strings.Builder
		words.WriteString(w.T("file.counter", p.signer(w, k.Role, k.ID, k.Name)))
		for _, f := range []answerLine{inWords(w.Base.Lang, explain.Signer, k.Signer), inWords(w.Base.Lang, explain.Revocation, k.Revocation)} {
			if f.Verdict != string(trust.Yes) {
				words.WriteString(". " + f.Title + ": " + f.Found)
			}
		}
		out.Counter = append(out.Counter, words.String())
	}
	return out
}

// signer says who signed; a person by his part in it, not by name.
func (p *Pages) signer(w *page.Writer, role edoc.Role, id, name string) string {
	switch role {
	case edoc.RoleKiosk:
		return w.T("role.kiosk", id)
	case edoc.RolePortal:
		return w.T("role.portal", name)
	case edoc.RoleAgency:
		if a, ok := p.portal.Catalogue().Agency(id); ok {
			name = a.Name.In(w.Base.Lang)
		}
		return w.T("role.agency", name)
	}
	return w.T("role." + string(role))
}

// here says whether the portal's registry has the document, or the one that it
// answers. That it has not says nothing against the document.
func (p *Pages) here(r *http.Request, v *documentView, c *edoc.Container) error {
	id := c.ID()
	if req := c.Document().Request; req != nil {
		id = *req
	}
	found, err := p.portal.Ledger().ByDoc(r.Context(), id[:])
	if err != nil {
		return err
	}
	s := page.Step{Key: "file.not-here", Look: page.Todo, Icon: "question"}
	for _, q := range found {
		switch {
		case c.Document().Request == nil:
			s = page.Step{Key: "file.here", At: q.Received, Look: page.Done, Icon: "check"}
		case q.Answer != nil && edoc.ID(q.Answer.ID) == c.ID():
			s = page.Step{Key: "file.here", At: q.Answer.At, Look: page.Done, Icon: "check"}
		}
	}
	if s.Key == "file.not-here" {
		if s.Note, err = v.T("file.not-here.note"); err != nil {
			return err
		}
	}
	v.Here = []page.Step{s}
	return v.Words(v.Here)
}
