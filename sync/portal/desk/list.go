package desk

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

// shows are the tabs of the list, in their order.
var shows = []string{"open", "mine", "late", "answered", "returned", "refused", "all"}

// tab is one tab of the list.
type tab struct {
	Show  string
	Count int
	On    bool
	Late  bool // something in it is late
}

// entry is one line of the list.
type entry struct {
	ledger.Request
	Doc     string // lower-case hexadecimal, for the address
	Code    string // grouped
	Service string
	Signer  string
	Officer string
	Mine    bool
	Late    bool          // not answered and past its term
	Left    time.Duration // until its term is over
	Over    time.Duration // since then
	Open    bool
}

// pair is what a part of a page that is about one entry needs.
type pair struct {
	Base  page.Base
	Entry entry
}

var funcs = template.FuncMap{
	"pair": func(b page.Base, e entry) pair { return pair{b, e} },
	"hex":  func(d *ledger.Doc) string { return hexDoc(*d) },
}

type listView struct {
	page.Base
	Tabs    []tab
	Show    string
	Entries []entry
	Found   bool // the answer to a search
	Query   string
	Fleet   bool // the reader looks after the kiosks too
}

// late reports whether the term is over.
func late(due, now time.Time) bool { return !now.Before(page.Term(due)) }

// wants reports whether a request belongs under the tab show.
func wants(show string, r ledger.Request, o Officer, now time.Time) bool {
	open := r.State == ledger.Registered
	switch show {
	case "open":
		return open
	case "mine":
		return open && r.Assigned == o.ID
	case "late":
		return open && late(r.Due, now)
	case "answered":
		return r.State == ledger.Answered
	case "returned":
		return r.State == ledger.Returned
	case "refused":
		return r.State == ledger.Refused
	}
	return true
}

// listMax bounds one page of the list; who has more looks for a code or a name.
const listMax = 2000

func (d *Desk) list(w http.ResponseWriter, r *http.Request, o Officer) {
	show := r.URL.Query().Get("show")
	if !slices.Contains(shows, show) {
		show = "open"
	}
	all, err := d.portal.Ledger().List(r.Context(), ledger.Filter{Agency: o.Agency, Max: listMax})
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	v := listView{Base: d.base(w, r, &o, "/desk/requests"), Show: show, Fleet: o.Operator}
	for _, s := range shows {
		t := tab{Show: s, On: s == show}
		for _, q := range all {
			if wants(s, q, o, v.Now) {
				t.Count++
			}
		}
		t.Late = s == "late" && t.Count > 0
		v.Tabs = append(v.Tabs, t)
	}
	for _, q := range all {
		if wants(show, q, o, v.Now) {
			v.Entries = append(v.Entries, d.entry(q, o, v.Lang, v.Now))
		}
	}
	d.send(w, http.StatusOK, "list", v)
}

// find looks for part of a code or of a name. It is a POST: a name must not
// come into an address, where histories and logs keep it.
func (d *Desk) find(w http.ResponseWriter, r *http.Request, o Officer) {
	v := listView{Base: d.base(w, r, &o, "/desk/find"), Show: "all", Found: true}
	v.Query = strings.TrimSpace(r.PostFormValue("text"))
	v.Post = map[string]string{"text": v.Query}
	all, err := d.portal.Ledger().List(r.Context(), ledger.Filter{Agency: o.Agency, Text: searchText(v.Query), Max: listMax})
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	for _, q := range all {
		v.Entries = append(v.Entries, d.entry(q, o, v.Lang, v.Now))
	}
	d.send(w, http.StatusOK, "list", v)
}

// searchText takes the grouping out of what looks like a code, or its beginning.
func searchText(s string) string {
	if code, err := edoc.ParseCode(s); err == nil && strings.ContainsAny(s, "·-0123456789") {
		return code // also one without a digit, which without its grouping could be a name
	}
	c := strings.ToUpper(strings.NewReplacer(" ", "", "·", "", "-", "").Replace(s))
	if c != "" && len(c) <= 10 && strings.ContainsAny(c, "0123456789") && strings.Trim(c, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == "" {
		return c
	}
	return s
}

func (d *Desk) entry(q ledger.Request, o Officer, lang string, now time.Time) entry {
	e := entry{
		Request: q, Doc: hexDoc(q.Doc), Code: formatCode(q.Code), Service: d.serviceTitle(q.Service, lang),
		Signer: q.Signer.Reveal(), Officer: d.officerName(q.Assigned), Mine: q.Assigned == o.ID,
		Open: q.State == ledger.Registered, Left: page.Term(q.Due).Sub(now),
	}
	e.Late, e.Over = e.Open && late(q.Due, now), -e.Left
	return e
}

func (d *Desk) serviceTitle(id, lang string) string {
	if s, ok := d.portal.Catalogue().Service(id); ok {
		return s.Title.In(lang)
	}
	return id
}

func (d *Desk) officerName(id string) string {
	if o, ok := d.officers[id]; ok {
		return o.Name
	}
	return id
}
