package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/penjire/penjire/firmware/e2e/visitor"
	"golang.org/x/net/html"
)

// person is a citizen at the screen, without JavaScript: what forms can do,
// everyone can do.
type person struct {
	b    *bench
	c    http.Client
	path string // of the visit: /v/…
	page string // data-page of the page last seen
	text string // its words
	body string
}

// specimenPIN opens every specimen card.
const specimenPIN = "123456"

// answers to every question of the three services, by row name.
var answers = visitor.Answers

// begin starts a visit in lang.
func (b *bench) begin(lang string) *person {
	b.t.Helper()
	p := &person{b: b, c: http.Client{Timeout: patience}}
	p.post(b.state().Kiosk.URL+"/begin", url.Values{"lang": {lang}})
	if p.page != "home" {
		b.t.Fatalf("begin: got page %q, want home", p.page)
	}
	return p
}

func (p *person) post(to string, v url.Values) {
	p.b.t.Helper()
	r, err := p.c.PostForm(to, v)
	if err != nil {
		p.b.t.Fatalf("post to the kiosk: %v", err)
	}
	p.read(r)
}

// look asks for the page as it is now.
func (p *person) look() string {
	p.b.t.Helper()
	r, err := p.c.Get(p.path)
	if err != nil {
		p.b.t.Fatalf("look at the screen: %v", err)
	}
	p.read(r)
	return p.page
}

func (p *person) read(r *http.Response) {
	p.b.t.Helper()
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		p.b.t.Fatalf("%s %s: %s, %v\n%s", r.Request.Method, r.Request.URL, r.Status, err, body)
	}
	p.path = r.Request.URL.String()
	p.body = string(body)
	p.page, p.text = visitor.Words(p.body)
}

// act does one thing; kv are names and values of the form.
func (p *person) act(name string, kv ...string) *person {
	p.b.t.Helper()
	v := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	p.post(p.path+"/"+name, v)
	return p
}

// on waits until one of pages is shown.
func (p *person) on(pages ...string) *person {
	p.b.t.Helper()
	p.b.until(fmt.Sprintf("page %v", pages), func() bool {
		p.look()
		for _, want := range pages {
			if p.page == want || strings.HasPrefix(p.page, want+"/") {
				return true
			}
		}
		return false
	}, func() string { return p.page + ": " + p.text })
	return p
}

// says waits until the page says want.
func (p *person) says(want string) *person {
	p.b.t.Helper()
	p.b.until("the page says "+want, func() bool { p.look(); return strings.Contains(p.text, want) },
		func() string { return p.page + ": " + p.text })
	return p
}

// choose goes from home to the first question, through rules and card.
func (p *person) choose(service string) *person {
	p.b.t.Helper()
	return p.act("apply").act("choose", "service", service).toQuestions()
}

// toQuestions goes from the service's page to the first question.
func (p *person) toQuestions() *person {
	p.b.t.Helper()
	p.act("begin")
	for {
		p.on("rules", "card", "is-this-you", "question")
		switch p.page {
		case "rules":
			p.act("accept")
		case "is-this-you":
			p.act("yes")
		case "card":
			p.on("is-this-you").act("yes")
		default:
			return p
		}
	}
}

// fill answers every question until «check your answers».
func (p *person) fill(answers map[string]string) *person {
	p.b.t.Helper()
	last := ""
	for p.page != "check" {
		row, ok := strings.CutPrefix(p.page, "question/")
		if !ok || row == last {
			p.b.t.Fatalf("fill: on page %q after question %q:\n%s", p.page, last, p.text)
		}
		p.act("answer", visitor.Form(row, answers[row])...)
		last = row
	}
	return p
}

// value returns the value of the first button or field called name.
func (p *person) value(name string) string {
	p.b.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]+)"`).FindStringSubmatch(p.body)
	if m == nil {
		p.b.t.Fatalf("page %s has no %s:\n%s", p.page, name, p.text)
	}
	return html.UnescapeString(m[1])
}

// mine goes from home to the list of the card holder's requests.
func (p *person) mine() *person {
	p.b.t.Helper()
	p.act("requests").on("is-this-you", "requests")
	if p.page == "is-this-you" {
		p.act("yes")
	}
	return p.on("requests")
}

// open opens the answer of the first of my requests.
func (p *person) open() *person {
	p.b.t.Helper()
	p.mine()
	p.act("open", "ref", p.value("ref")).on("status")
	return p.act("open").on("pin").act("pin", "pin", specimenPIN).on("answer")
}

// sign confirms the answers and signs with the card's PIN.
func (p *person) sign() *person {
	p.b.t.Helper()
	return p.act("confirm").on("pin").act("pin", "pin", specimenPIN)
}

// done waits for the end of the request and returns the tracking code.
func (p *person) done() string {
	p.b.t.Helper()
	p.on("done")
	code := visitor.TrackingCode.FindString(p.text)
	if code == "" {
		p.b.t.Fatalf("the done page shows no tracking code:\n%s", p.text)
	}
	return code
}

// leave ends the visit and takes the card.
func (p *person) leave(card string) {
	p.b.t.Helper()
	p.act("end")
	if card != "" {
		p.b.card("remove", card)
	}
}
