package desk

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
)

// The desk as JSON, for the agency's own programs and for scripts:
//
//	GET  /api/desk/requests?state=registered    the agency's requests
//	GET  /api/desk/requests/{doc}               one, with answers and facts of verification
//	GET  /api/desk/requests/{doc}/container     its signed container (ASiC-E)
//	GET  /api/desk/requests/{doc}/copy          the certified copy of its answer (PDF, A4)
//	POST /api/desk/requests/{doc}/revoke        {"reason": "mistake"}: the seal of its answer
//	POST /api/desk/requests/{doc}/assign        {}
//	POST /api/desk/requests/{doc}/answer        {"text": "…", "facts": {"name": "value"}}
//	POST /api/desk/requests/{doc}/refuse        {"text": "…"}
//	POST /api/desk/requests/{doc}/return        {"text": "…"}
//
// It wants an officer's name and password (HTTP Basic) or a session of the
// desk; agency= may be given and must then be the officer's. Facts left out of
// an answer are those that the desk's form starts with. Errors are
// {"error": "code"} with a fitting status; 409 "answered" means that the
// request has its one answer, so a post may safely be sent again; 422
// "incomplete" names the facts that are missing, too long or unknown.

// apiRequest is one request. It names its fields one by one: personal data goes
// out only where this says so.
type apiRequest struct {
	Doc        string        `json:"doc"`
	Code       string        `json:"code"`
	Kiosk      string        `json:"kiosk"`
	Service    string        `json:"service"`
	Agency     string        `json:"agency"`
	Lang       string        `json:"lang"`
	State      ledger.State  `json:"state"`
	Identified bool          `json:"identified"`
	Signer     string        `json:"signer"`
	Claimed    time.Time     `json:"claimed"`
	Received   time.Time     `json:"received"`
	Registered time.Time     `json:"registered"`
	Due        time.Time     `json:"due"`
	Overdue    bool          `json:"overdue"`
	Assigned   string        `json:"assigned,omitempty"`
	Corrects   string        `json:"corrects,omitempty"`
	Facts      *ledger.Facts `json:"verification,omitempty"`
	Again      bool          `json:"verified_now,omitempty"` // by the bundle in force, not as found at registration

	ServiceVersion int               `json:"service_version,omitempty"`
	Answers        map[string]string `json:"answers,omitempty"`
	Consents       []apiConsent      `json:"consents,omitempty"`
	Answer         *apiAnswer        `json:"answer,omitempty"`
	// Draft are the facts that an answer begins with; an empty one has to be
	// given. Only while the request is open and its result states facts.
	Draft map[string]string `json:"draft,omitempty"`
}

type apiConsent struct {
	Rule    string    `json:"rule"`
	Version int       `json:"version"`
	At      time.Time `json:"at"`
}

type apiAnswer struct {
	Doc   string            `json:"doc"`
	State ledger.State      `json:"state"`
	By    string            `json:"by"`
	At    time.Time         `json:"at"`
	Text  string            `json:"text"`
	Facts map[string]string `json:"facts,omitempty"`
	Seal  string            `json:"seal,omitempty"`
	// Revoked is why the seal is no longer in force, and since when.
	Revoked *apiRevoked `json:"revoked,omitempty"`
}

type apiRevoked struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// api lets in an agency's officers.
func (d *Desk) api(h func(http.ResponseWriter, *http.Request, Officer)) http.HandlerFunc {
	return d.apiAny(func(w http.ResponseWriter, r *http.Request, o Officer) {
		if a := r.URL.Query().Get("agency"); o.Agency == "" || a != "" && a != o.Agency {
			apiError(w, http.StatusForbidden, "agency")
			return
		}
		h(w, r, o)
	})
}

// apiAny lets in who has a session or a name and password.
func (d *Desk) apiAny(h func(http.ResponseWriter, *http.Request, Officer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, ok := d.who(r)
		if !ok {
			if d.tries.Spent(r) {
				w.Header().Set("Retry-After", "60")
				apiError(w, http.StatusTooManyRequests, "slow-down")
				return
			}
			id, password, basic := r.BasicAuth()
			if basic {
				if o, ok = d.admit(r.Context(), id, password); !ok {
					d.tries.Allow(r)
				}
			}
		}
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="desk", charset="UTF-8"`)
			apiError(w, http.StatusUnauthorized, "sign-in")
			return
		}
		h(w, r, o)
	}
}

func (d *Desk) apiList(w http.ResponseWriter, r *http.Request, o Officer) {
	f := ledger.Filter{Agency: o.Agency, State: ledger.State(r.URL.Query().Get("state")), Max: listMax}
	all, err := d.portal.Ledger().List(r.Context(), f)
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	out := struct {
		Requests []apiRequest `json:"requests"`
	}{[]apiRequest{}}
	for _, q := range all {
		out.Requests = append(out.Requests, d.apiRequest(q))
	}
	apiSend(w, http.StatusOK, out)
}

func (d *Desk) apiRequest(q ledger.Request) apiRequest {
	a := apiRequest{
		Doc: hexDoc(q.Doc), Code: q.Code, Kiosk: q.Kiosk, Service: q.Service, Agency: q.Agency, Lang: q.Lang,
		State: q.State, Identified: q.Identified, Signer: q.Signer.Reveal(), Claimed: q.Claimed, Received: q.Received,
		Registered: q.Registered, Due: q.Due, Overdue: q.State == ledger.Registered && late(q.Due, d.now()), Assigned: q.Assigned,
	}
	if q.Corrects != nil {
		a.Corrects = hexDoc(*q.Corrects)
	}
	return a
}

func (d *Desk) apiGet(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	c, err := edoc.Parse(q.Container)
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	doc := c.Document()
	a := d.apiRequest(q)
	f := d.facts(q, c)
	a.Facts, a.Again = &f.Facts, f.Again
	a.ServiceVersion, a.Answers = doc.ServiceVersion, doc.Answers.Reveal()
	for _, k := range doc.Consents {
		a.Consents = append(a.Consents, apiConsent{k.Rule, k.Version, k.At})
	}
	if s, err := d.portal.ServiceOf(r.Context(), q); err == nil && q.State == ledger.Registered {
		a.Draft = map[string]string{}
		for _, f := range blank(s, doc, q.Code, "answer", "en").Facts {
			a.Draft[f.Name] = f.Value
		}
	}
	if q.Answer != nil {
		v, err := d.answerView(nil, q, "en")
		if err != nil {
			d.apiFail(w, r, err)
			return
		}
		a.Answer = &apiAnswer{Doc: hexDoc(q.Answer.ID), State: v.State, By: v.By, At: v.At, Text: v.Text, Seal: q.Answer.Seal, Facts: map[string]string{}}
		x, err := d.revoked(r.Context(), q.Doc)
		if err != nil {
			d.apiFail(w, r, err)
			return
		}
		if x != nil {
			a.Answer.Revoked = &apiRevoked{x.Reason, x.By, x.At}
		}
		for _, f := range v.Facts {
			a.Answer.Facts[f.Name] = f.Value
		}
	}
	apiSend(w, http.StatusOK, a)
}

func (d *Desk) apiContainer(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	sendContainer(w, q.Code, q.Container)
}

func (d *Desk) apiDecide(w http.ResponseWriter, r *http.Request, o Officer) {
	decision := r.PathValue("decision")
	_, known := decisions[decision]
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if !known && decision != "assign" {
		err = ledger.ErrNotFound
	}
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	var in struct {
		Text  string            `json:"text"`
		Facts map[string]string `json:"facts"`
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		apiError(w, http.StatusBadRequest, "json")
		return
	}
	if decision == "assign" {
		if err := d.portal.Ledger().Assign(r.Context(), q.Doc, o.ID); err != nil {
			d.apiFail(w, r, err)
			return
		}
		d.apiGet(w, r, o)
		return
	}
	if q.State != ledger.Registered {
		d.apiFail(w, r, ledger.ErrAnswered)
		return
	}
	c, err := edoc.Parse(q.Container)
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	s, err := d.portal.ServiceOf(r.Context(), q)
	if err != nil {
		d.apiFail(w, r, err)
		return
	}
	f := blank(s, c.Document(), q.Code, decision, "en")
	f.Text = tidy(in.Text, true)
	for i := range f.Facts {
		if v, ok := in.Facts[f.Facts[i].Name]; ok {
			f.Facts[i].Value = tidy(v, false)
			delete(in.Facts, f.Facts[i].Name)
		}
	}
	f.check(decision)
	if f.faulty() || len(in.Facts) > 0 {
		apiSend(w, http.StatusUnprocessableEntity, incomplete(f, in.Facts))
		return
	}
	if err := d.sign(r.Context(), o, q, decision, f); err != nil {
		d.apiFail(w, r, err)
		return
	}
	d.apiGet(w, r, o)
}

// incomplete says what keeps a draft from being signed: names, not values.
func incomplete(f *draft, unknown map[string]string) map[string]any {
	wrong := slices.Sorted(maps.Keys(unknown))
	for _, x := range f.Facts {
		if x.Wrong != "" {
			wrong = append(wrong, x.Name)
		}
	}
	return map[string]any{"error": "incomplete", "text": f.TextWrong != "", "facts": wrong}
}

func (d *Desk) apiFail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, ledger.ErrNotFound), errors.Is(err, portal.ErrAgency):
		apiError(w, http.StatusNotFound, "not-found")
	case errors.Is(err, ledger.ErrAnswered):
		apiError(w, http.StatusConflict, "answered")
	case errors.Is(err, ledger.ErrRevoked):
		apiError(w, http.StatusConflict, "revoked")
	case errors.Is(err, portal.ErrDraft):
		apiError(w, http.StatusUnprocessableEntity, "incomplete")
	case errors.Is(err, paper.ErrNotCertified):
		apiError(w, http.StatusConflict, "not-certified")
	case errors.Is(err, portal.ErrNoKey):
		apiError(w, http.StatusServiceUnavailable, "no-key")
	default:
		d.log.Error("desk api", "route", r.Pattern, "err", err)
		apiError(w, http.StatusInternalServerError, "internal")
	}
}

func apiError(w http.ResponseWriter, status int, code string) {
	apiSend(w, status, map[string]string{"error": code})
}

func apiSend(w http.ResponseWriter, status int, v any) { page.JSON(w, status, v) }
