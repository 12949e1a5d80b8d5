package desk

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/page"
)

// Certificates is what the desk needs to give kiosks their certificates;
// *est.Service is one.
type Certificates interface {
	NewCode(ctx context.Context, kiosk string, chip bool, life time.Duration, by string) (enrol.Code, ledger.Code, error)
	RevokeKiosk(ctx context.Context, kiosk, reason, by string) (int, error)
	Take(ctx context.Context, file []byte) (*est.Taken, error)
	Unlisted(ctx context.Context) ([]*x509.Certificate, error)
	ForRegister(ctx context.Context) ([]byte, error)
}

// expelling is a portal that can end a kiosk's session.
type expelling interface{ Expel(kiosk string) }

type enrolView struct {
	page.Base
	Off   bool   // this portal issues no certificates
	Wrong string // key
	Field string // that it is about
	Kiosk string // as it was typed
	Chip  bool
	Code  string // that was just made: it is shown once
	Until time.Time
	Codes []codeView
	Fleet []certView
	// Unlisted are the kiosks whose seals the trust bundle does not have yet.
	Unlisted []string
}

// codeView is a code without itself.
type codeView struct {
	ledger.Code
	State string // open, used, ended, late
}

// certView is a kiosk and its newest certificate of each use.
type certView struct {
	Kiosk   string
	Certs   []ledger.Certificate
	Revoked bool // all of them
}

// Uses are the columns of the table.
func (enrolView) Uses() []string { return []string{ledger.CertIdentity, ledger.CertSigning} }

// Of returns the newest certificate of that use; nil: there is none.
func (v certView) Of(use string) *ledger.Certificate {
	for i := range v.Certs {
		if v.Certs[i].Use == use {
			return &v.Certs[i]
		}
	}
	return nil
}

// enrolPage is the operator's page of codes and certificates.
func (d *Desk) enrolPage(w http.ResponseWriter, r *http.Request, o Officer) {
	d.enrolSend(w, r, o, http.StatusOK, enrolView{})
}

// enrolSend fills the page and sends it.
func (d *Desk) enrolSend(w http.ResponseWriter, r *http.Request, o Officer, status int, v enrolView) {
	v.Base, v.Off = d.base(w, r, &o, "/desk/enrol"), d.certs == nil
	v.Fault = v.Wrong != ""
	codes, err := d.portal.Ledger().Codes(r.Context(), "")
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	certs, err := d.portal.Ledger().Certificates(r.Context(), "")
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	v.Codes, v.Fleet = codeViews(codes, v.Now), certViews(certs)
	if d.certs != nil {
		unlisted, err := d.certs.Unlisted(r.Context())
		if err != nil {
			d.fail(w, r, o, err)
			return
		}
		for _, c := range unlisted {
			v.Unlisted = append(v.Unlisted, trust.DeviceID(c))
		}
		v.Unlisted = slices.Compact(v.Unlisted)
	}
	d.send(w, status, "enrol", v)
}

// forRegister gives what the register has to take into the next trust bundle.
func (d *Desk) forRegister(w http.ResponseWriter, r *http.Request, o Officer) {
	if d.certs == nil {
		d.fail(w, r, o, ledger.ErrNotFound)
		return
	}
	b, err := d.certs.ForRegister(r.Context())
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	sendAnswer(w, "kiosks.pem", b)
}

// codesShown is how many codes the page has; portald kiosk ls has all.
const codesShown = 50

func codeViews(all []ledger.Code, now time.Time) (out []codeView) {
	for _, c := range all[:min(len(all), codesShown)] {
		v := codeView{c, "open"}
		switch {
		case !c.Taken.IsZero():
			v.State = "ended"
		case !c.Used.IsZero():
			v.State = "used"
		case now.After(c.Until):
			v.State = "late"
		}
		out = append(out, v)
	}
	return out
}

// certViews gives each kiosk's newest certificates; all are the newest first.
func certViews(all []ledger.Certificate) (out []certView) {
	at := map[string]int{}
	seen := map[[2]string]bool{}
	for _, c := range all {
		i, ok := at[c.Kiosk]
		if !ok {
			i = len(out)
			at[c.Kiosk] = i
			out = append(out, certView{Kiosk: c.Kiosk, Revoked: true})
		}
		if k := [2]string{c.Kiosk, c.Use}; !seen[k] {
			seen[k] = true
			out[i].Certs = append(out[i].Certs, c)
			out[i].Revoked = out[i].Revoked && !c.Revoked.IsZero()
		}
	}
	return out
}

// makeCode makes a one-time code. It is on the page that answers, and nowhere else.
func (d *Desk) makeCode(w http.ResponseWriter, r *http.Request, o Officer) {
	if d.certs == nil {
		d.fail(w, r, o, ledger.ErrNotFound)
		return
	}
	v := enrolView{Kiosk: r.PostFormValue("kiosk"), Chip: r.PostFormValue("chip") == "yes"}
	code, kept, err := d.certs.NewCode(context.WithoutCancel(r.Context()), v.Kiosk, v.Chip, 0, o.ID)
	switch {
	case errors.Is(err, est.ErrKiosk):
		v.Wrong, v.Field = "enrol.wrong.kiosk", "kiosk"
		d.enrolSend(w, r, o, http.StatusUnprocessableEntity, v)
	case err != nil:
		d.fail(w, r, o, err)
	default:
		d.log.Info("desk: a one-time code was made", "kiosk", kept.Kiosk, "officer", o.ID)
		d.enrolSend(w, r, o, http.StatusOK, enrolView{Code: code.Written(), Until: kept.Until, Kiosk: kept.Kiosk})
	}
}

// revokeKiosk revokes a kiosk whose number was typed again: it is not undone.
func (d *Desk) revokeKiosk(w http.ResponseWriter, r *http.Request, o Officer) {
	if d.certs == nil {
		d.fail(w, r, o, ledger.ErrNotFound)
		return
	}
	kiosk := r.PostFormValue("revoke")
	_, err := d.certs.RevokeKiosk(context.WithoutCancel(r.Context()), kiosk, "desk", o.ID)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		d.enrolSend(w, r, o, http.StatusUnprocessableEntity, enrolView{Wrong: "enrol.wrong.revoke", Field: "revoke"})
	case err != nil:
		d.fail(w, r, o, err)
	default:
		if p, ok := d.portal.(expelling); ok {
			p.Expel(kiosk)
		}
		d.log.Warn("desk: a kiosk was revoked", "kiosk", kiosk, "officer", o.ID)
		http.Redirect(w, r, "/desk/enrol", http.StatusSeeOther)
	}
}

// enrolFile answers a kiosk's request for certificates from a stick.
func (d *Desk) enrolFile(ctx context.Context, o Officer, b []byte) taken {
	t := taken{Enrolled: true}
	got, err := d.certs.Take(context.WithoutCancel(ctx), b)
	if err != nil {
		t.Code = "enrol"
		if errors.Is(err, enrol.ErrFile) {
			t.Code = "other"
		}
		if no, ok := errors.AsType[*enrol.Refusal](err); ok {
			t.Why = no.Code
		}
		d.log.Warn("desk: a request for certificates was not answered", "officer", o.ID, "err", err)
		return t
	}
	t.Kiosk, t.Name, t.Answer = got.Kiosk, got.Name, got.File
	t.ID = d.answers.keep(d.now(), t.Name, t.Answer)
	d.log.Info("desk: a request for certificates was answered", "officer", o.ID, "kiosk", t.Kiosk)
	return t
}
