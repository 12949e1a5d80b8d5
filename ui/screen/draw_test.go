package screen_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/penjire/penjire/ui/asset"
	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/screen/fixture"
)

// TestEveryPage draws every page in every state, language, size and theme, and
// checks the HTML itself (no browser needed).
func TestEveryPage(t *testing.T) {
	for _, lang := range phrase.Langs {
		for _, f := range fixture.All(lang) {
			for size, theme := range []string{"", "contrast", "dark"} {
				v := f.View
				v.Size, v.Theme = size, theme
				t.Run(fmt.Sprintf("%s/%s/%d", f.Name, lang, size), func(t *testing.T) {
					var b bytes.Buffer
					if err := screen.Draw(&b, v); err != nil {
						t.Fatal(err)
					}
					check(t, v, b.String())
				})
			}
		}
	}
}

// page is what check gathers from one page.
type page struct {
	t        *testing.T
	v        screen.View
	h1, main int
	ids      map[string]bool
	labels   map[string]bool // ids that a label names
	fields   []*html.Node
	refs     []string
}

func check(t *testing.T, v screen.View, text string) {
	t.Helper()
	for _, no := range []string{"⟦", "[personal]", "%!", "&lt;no value", "ZgotmplZ", " style=", "javascript:"} {
		if strings.Contains(text, no) {
			t.Errorf("the page holds %q", no)
		}
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, v: v, ids: map[string]bool{}, labels: map[string]bool{}}
	p.walk(doc)
	if p.h1 != 1 || p.main != 1 {
		t.Errorf("got %d h1 and %d main, want 1 of each", p.h1, p.main)
	}
	for _, f := range p.fields {
		id := attr(f, "id")
		if !p.labels[id] && !within(f, "label") && attr(f, "aria-label") == "" {
			t.Errorf("field %q has no label", attr(f, "name"))
		}
	}
	for _, r := range p.refs {
		if !p.ids[r] {
			t.Errorf("something points to #%s, which is not on the page", r)
		}
	}
}

func (p *page) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		p.element(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.walk(c)
	}
}

func (p *page) element(n *html.Node) {
	for _, a := range n.Attr {
		if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
			p.t.Errorf("<%s> has %s: the page's policy forbids it", n.Data, a.Key)
		}
	}
	if id := attr(n, "id"); id != "" {
		if p.ids[id] {
			p.t.Errorf("two elements have the id %q", id)
		}
		p.ids[id] = true
	}
	for _, k := range []string{"aria-describedby", "aria-labelledby"} {
		p.refs = append(p.refs, strings.Fields(attr(n, k))...)
	}
	switch n.Data {
	case "html":
		if got := attr(n, "lang"); got != p.v.Lang {
			p.t.Errorf("lang = %q, want %q", got, p.v.Lang)
		}
	case "h1":
		p.h1++
		if strings.TrimSpace(words(n)) == "" {
			p.t.Errorf("the heading is empty")
		}
	case "main":
		p.main++
	case "label":
		if f := attr(n, "for"); f != "" {
			p.labels[f] = true
			p.refs = append(p.refs, f)
		}
	case "input", "textarea":
		if attr(n, "type") != "hidden" {
			p.fields = append(p.fields, n)
		}
	case "button":
		p.button(n)
	case "script":
		if attr(n, "src") == "" && attr(n, "type") != "application/json" {
			p.t.Errorf("the page holds a script of its own")
		}
	case "use":
		name := strings.TrimPrefix(attr(n, "href"), "/asset/svg/icons.svg#")
		if !asset.HasIcon(name) {
			p.t.Errorf("the sprite has no icon %q", name)
		}
	case "link", "img":
		src := attr(n, "href") + attr(n, "src")
		if name, ok := strings.CutPrefix(src, "/asset/"); ok {
			if _, err := asset.FS.Open(name); err != nil {
				p.t.Errorf("the page asks for %s: %v", src, err)
			}
		} else if src != "/device.css" {
			p.t.Errorf("the page asks for %s, which is not ours", src)
		}
	}
}

func (p *page) button(n *html.Node) {
	if words(n) == "" && attr(n, "aria-label") == "" {
		p.t.Errorf("a button says nothing")
	}
	want := "/v/" + p.v.Visit + "/"
	if p.v.Visit == "" {
		want = "/"
	}
	if to := attr(n, "formaction"); !strings.HasPrefix(to, want) || strings.Contains(to, "⟦") {
		p.t.Errorf("button %q leads to %q, want an action of the visit", words(n), to)
	}
	if f := attr(n, "form"); f != "page" && f != "tool" {
		p.t.Errorf("button %q belongs to no form", words(n))
	}
	// A PIN leaves its page by its own button and no other.
	if p.v.Screen == screen.PIN && attr(n, "form") == "page" && !strings.HasSuffix(attr(n, "formaction"), "/pin") {
		p.t.Errorf("button %q would carry the PIN to %s", words(n), attr(n, "formaction"))
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return strings.TrimSpace(n.Data)
	}
	var s []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if w := words(c); w != "" {
			s = append(s, w)
		}
	}
	return strings.Join(s, " ")
}

func within(n *html.Node, tag string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == tag {
			return true
		}
	}
	return false
}

// Every name of a page has a fixture, so that no page goes unlooked at.
func TestEveryNameHasAFixture(t *testing.T) {
	have := map[screen.Name]bool{}
	for _, f := range fixture.All("tk") {
		have[f.View.Screen] = true
	}
	for _, n := range screen.Names() {
		if !have[n] {
			t.Errorf("page %q has no fixture", n)
		}
	}
}

func draw(t *testing.T, name, lang string) string {
	t.Helper()
	v, ok := fixture.Get(name, lang)
	if !ok {
		t.Fatalf("no fixture %q", name)
	}
	var b bytes.Buffer
	if err := screen.Draw(&b, v); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return words(doc)
}

// The screen never claims more than what happened (DESIGN 1.4).
func TestDoneSaysWhatHappened(t *testing.T) {
	for lang, w := range map[string]struct{ kept, received, waiting, failed, unknown string }{
		"tk": {"ygtybarly saklandy", "portal aldy", "Aragatnaşyga garaşýar", "Çek çap edilmedi. Kagyz gutardy.", "näbelli"},
		"ru": {"надёжно сохранена", "Портал получил", "Ждёт связи", "Чек не напечатан. Закончилась бумага.", "Неизвестно"},
		"en": {"kept safely", "The portal received", "Waiting for a connection", "The receipt was not printed. The paper ran out.", "not known"},
	} {
		kept, received := draw(t, "done", lang), draw(t, "done-received", lang)
		if !strings.Contains(kept, w.kept) || !strings.Contains(kept, w.waiting) || strings.Contains(kept, w.received) {
			t.Errorf("%s: a request that waits: got %q, want %q and %q, and not %q", lang, kept, w.kept, w.waiting, w.received)
		}
		if !strings.Contains(received, w.received) || strings.Contains(received, w.waiting) {
			t.Errorf("%s: a request that arrived: got %q, want %q, and not %q", lang, received, w.received, w.waiting)
		}
		if got := draw(t, "done-failed", lang); !strings.Contains(got, w.failed) {
			t.Errorf("%s: a receipt that did not print: got %q, want %q", lang, got, w.failed)
		}
		if got := draw(t, "done-unknown", lang); !strings.Contains(got, w.unknown) {
			t.Errorf("%s: a receipt of which nothing is known: got %q, want %q", lang, got, w.unknown)
		}
	}
}

// Unknown is never shown as good (DESIGN 1.4), and a zero state is unknown.
func TestUnknownIsNotGood(t *testing.T) {
	for _, d := range []screen.Devices{
		{}, {Printer: screen.Unknown, Reader: screen.Unknown, Net: screen.Unknown, Clock: screen.Unknown}, {Printer: "new", Reader: "new", Net: "new", Clock: "new"},
	} {
		lights := screen.Lights(d, "en")
		if len(lights) != 4 {
			t.Errorf("Lights(%v) = %v, want printer, net, reader and clock", d, lights)
		}
		for _, l := range lights {
			if l.Kind == "good" || strings.Contains(l.Text, "⟦") {
				t.Errorf("Lights(%v) says %+v", d, l)
			}
		}
	}
}

// Nothing of anyone is on the pages that the next citizen may see.
func TestPublicPagesNameNoOne(t *testing.T) {
	for _, name := range []string{"start", "start-offline", "ended", "home"} {
		for _, lang := range phrase.Langs {
			for _, no := range []string{"Aýna", "Nusga", "0017", "K7M4P"} {
				if got := draw(t, name, lang); strings.Contains(got, no) && no != "Nusga" || strings.Contains(got, "Nusgaýewa") {
					t.Errorf("%s %s holds %q", name, lang, no)
				}
			}
		}
	}
}

func TestDrawRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := screen.Draw(&b, screen.View{Screen: "nowhere"}); err == nil {
		t.Error("Draw of a page that is not: no error")
	}
	for _, n := range screen.Names() {
		if n == screen.Start || n == screen.Ended || n == screen.Help || n == screen.Away {
			continue
		}
		if err := screen.Draw(&b, screen.View{Screen: n}); err == nil {
			t.Errorf("Draw of %q without its part: no error", n)
		}
	}
	if b.Len() != 0 {
		t.Errorf("Draw wrote %d bytes of pages that it refused", b.Len())
	}
	if err := screen.Draw(full{}, screen.View{Screen: screen.Ended}); !errors.Is(err, errFull) {
		t.Errorf("Draw into a writer that fails = %v, want its error", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// What a citizen or an agency wrote is text on the page, never markup.
func TestTextIsNotMarkup(t *testing.T) {
	v, _ := fixture.Get("question-street", "en")
	q := *v.Question
	q.Row.Label.EN, q.Row.Hint.EN = `<b onclick="x()">`, `"><script>x()</script>`
	v.Question = &q
	var b bytes.Buffer
	if err := screen.Draw(&b, v); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "<b onclick") || strings.Contains(s, "<script>x") {
		t.Errorf("markup in a label got through: %s", s)
	}
}

func BenchmarkDraw(b *testing.B) {
	v, _ := fixture.Get("check", "tk")
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := screen.Draw(&out, v); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes/page")
}

// TestTrial: the start page says in all languages that software is a developer's, and
// only then.
func TestTrial(t *testing.T) {
	for _, developer := range []bool{true, false} {
		var b bytes.Buffer
		if err := screen.Draw(&b, screen.View{Screen: screen.Start, Start: &screen.StartView{Developer: developer}}); err != nil {
			t.Fatal(err)
		}
		for _, l := range phrase.Langs {
			if got := strings.Contains(b.String(), phrase.In(l).Get("trial")); got != developer {
				t.Errorf("developer %v, %s: said %v", developer, l, got)
			}
		}
	}
}
