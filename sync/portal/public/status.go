package public

import (
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

type statusFormView struct {
	page.Base
	Code  string
	Wrong string // key; "" for nothing
}

// standing is one request as anyone with its code sees it.
type standing struct {
	Service string
	Agency  string
	State   ledger.State
	Steps   []page.Step
	Next    string // key of what to do now
	Why     string // key of the portal's reason to refuse; "" for none
}

type statusView struct {
	page.Base
	Code string // grouped
	List []standing
}

func (p *Pages) statusForm(w http.ResponseWriter, r *http.Request) {
	p.send(w, http.StatusOK, "status-form", statusFormView{Base: p.base(w, r, "/status")})
}

// status answers a tracking code. The code comes in the body, never in the
// address, and the answer takes as long whether there is such a request or not.
func (p *Pages) status(w http.ResponseWriter, r *http.Request) {
	floor := time.After(p.floor)
	f := statusFormView{Base: p.base(w, r, "/status"), Code: r.PostFormValue("code")}
	if len(f.Code) > 64 {
		f.Code = ""
	}
	again := func(status int, key string) {
		f.Fault, f.Wrong = true, key
		p.send(w, status, "status-form", f)
	}
	if !p.codes.Allow(r) {
		w.Header().Set("Retry-After", "60")
		again(http.StatusTooManyRequests, "wrong.slow")
		return
	}
	code, err := edoc.ParseCode(f.Code)
	if err != nil {
		again(http.StatusUnprocessableEntity, "wrong.code")
		return
	}
	found, err := p.portal.Ledger().ByCode(r.Context(), code)
	select {
	case <-floor:
	case <-r.Context().Done():
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if len(found) == 0 {
		again(http.StatusNotFound, "wrong.none")
		return
	}
	p.standings(w, r, f.Base, code, found)
}

// standings shows the requests with that code.
func (p *Pages) standings(w http.ResponseWriter, r *http.Request, b page.Base, code string, found []ledger.Request) {
	v := statusView{Base: b, Code: edoc.FormatCode(code)}
	v.Post = map[string]string{"code": code}
	for _, q := range found {
		s, err := p.standing(v.Base, q)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		v.List = append(v.List, s)
	}
	p.send(w, http.StatusOK, "status", v)
}

func (p *Pages) standing(b page.Base, q ledger.Request) (standing, error) {
	s := standing{Service: q.Service, State: q.State}
	if d, ok := p.portal.Catalogue().Service(q.Service); ok {
		s.Service = d.Title.In(b.Lang)
	}
	if a, ok := p.portal.Catalogue().Agency(q.Agency); ok {
		s.Agency = a.Name.In(b.Lang)
	}
	s.Steps = []page.Step{{Key: "step.received", At: q.Received, Look: page.Done, Icon: "check"}}
	add := func(key string, at time.Time, look, icon string) {
		s.Steps = append(s.Steps, page.Step{Key: key, At: at, Look: look, Icon: icon})
	}
	switch {
	case q.State == ledger.Received:
		s.Next = "next.received"
		add("step.verify", time.Time{}, page.Current, "clock")
		add("step.answer", time.Time{}, page.Todo, "paper")
	case q.State == ledger.Refused && q.Answer == nil:
		s.Next = "next.portal-refused"
		if k := "reason." + q.Reason; p.texts.Has(k) {
			s.Why = k
		}
		add("step.portal-refused", q.Registered, page.Bad, "cross")
	default:
		add("step.registered", q.Registered, page.Done, "check")
		switch q.State {
		case ledger.Answered:
			s.Next = "next.answered"
			add("step.answered", q.Answer.At, page.Done, "check")
		case ledger.Refused:
			s.Next = "next.refused"
			add("step.refused", q.Answer.At, page.Bad, "cross")
		case ledger.Returned:
			s.Next = "next.returned"
			add("step.returned", q.Answer.At, page.Current, "return")
		default:
			look, key := page.Current, "step.due"
			s.Next = "next.registered"
			if !p.now().Before(page.Term(q.Due)) {
				look, key, s.Next = page.Bad, "step.late", "next.late"
			}
			s.Steps = append(s.Steps, page.Step{Key: key, At: q.Due, Day: true, Look: look, Icon: "clock"})
		}
	}
	if !q.Identified && (q.State == ledger.Answered || q.State == ledger.Returned || q.State == ledger.Refused && q.Answer != nil) {
		s.Next += ".code" // nobody's card opens it: the tracking code does
	}
	return s, b.Words(s.Steps)
}
