package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/penjire/penjire/ui/uitest"
)

// The kiosk of the bench has a landscape display of 14 inches.
const (
	screenWidth, screenHeight = 1280, 800
	pixelsPerMM               = 4.2
)

// finger is a citizen at the kiosk's screen in a real browser. It only touches:
// also letters are typed on the keyboard of the page.
type finger struct {
	*uitest.Browser
	b *bench
	// eyes sees what the kiosk shows to the same visit, without a browser: a
	// test then knows what the browser has to come to.
	eyes *person
	// snap takes a picture for the README; nil while pages are examined.
	snap func(name string)
	// plain: scripts are off, and letters come from a real keyboard.
	plain bool
	// cut: the test ends the kiosk's program under its page, or has another one take
	// over, and the browser says that the page's events broke off.
	cut  bool
	seen map[string]int
}

// finger opens a browser; where there is none, the test is left out loudly, or
// fails when every peer is required.
func (b *bench) finger() *finger {
	b.t.Helper()
	f := &finger{
		Browser: uitest.Open(b.t, screenWidth, screenHeight, pixelsPerMM),
		b:       b, eyes: &person{b: b}, seen: map[string]int{},
	}
	f.eyes.c.Timeout = patience
	f.Finger()
	return f
}

// button is the selector of the button that does that; the invisible one, which
// catches the Enter key, is not meant.
func button(action string) string { return fmt.Sprintf(`button[formaction$="/%s"]:not(.vh)`, action) }

var sumOf = regexp.MustCompile(`data-sum="([0-9a-f]+)"`)

// shown waits until the browser shows what the kiosk shows, examines it, and
// returns the page's name.
func (f *finger) shown() string {
	f.b.t.Helper()
	css := ""
	f.b.until("the browser shows what the kiosk shows", func() bool {
		css = fmt.Sprintf(`body[data-page=%q]`, f.eyes.look())
		if m := sumOf.FindStringSubmatch(f.eyes.body); m != nil && f.eyes.page != "start" {
			css += fmt.Sprintf(`[data-sum=%q]`, m[1])
		}
		return f.Sees(css, time.Second)
	}, func() string { return css })
	f.examine("kiosk: " + f.eyes.page)
	return f.eyes.page
}

// examine asks axe about the page that is open, and the browser for complaints.
func (f *finger) examine(what string) {
	f.b.t.Helper()
	f.seen[what]++
	if f.snap != nil {
		return
	}
	if f.plain {
		f.Scripts(true)
		defer f.Scripts(false)
	}
	for _, v := range f.Axe() {
		if f.plain && strings.HasPrefix(v, "meta-refresh:") {
			// Without scripts this is the only way for a page that waits for the
			// card or the printer to go on; with scripts it is not there.
			continue
		}
		f.b.t.Errorf("%s: axe: %s", what, v)
	}
	for _, m := range f.Messages() {
		if strings.Contains(m, "'postMessage'") {
			continue // axe looks for itself in the frame of another origin that the bench shows
		}
		if f.cut && strings.HasPrefix(m, "Failed to load resource: net::ERR_") && (strings.HasSuffix(m, "/events") || strings.HasSuffix(m, "/painted")) {
			continue
		}
		f.b.t.Errorf("%s: the browser says: %s", what, m)
	}
}

// picture takes a picture when pictures are wanted.
func (f *finger) picture(name string) {
	if f.snap != nil {
		f.snap(name)
	}
}

// press touches a button of the page and waits for the page that follows.
// Pages on which the kiosk works are passed by.
func (f *finger) press(css string) string {
	f.b.t.Helper()
	before := f.eyes.look()
	f.Touch(css)
	return f.after(before)
}

// after waits for another page than before.
func (f *finger) after(before string) string {
	f.b.t.Helper()
	f.b.until("the page after "+before, func() bool {
		p := f.eyes.look()
		return p != before && p != "working"
	}, func() string { return f.eyes.page + ": " + f.eyes.text })
	return f.shown()
}

func (f *finger) act(action string) string { f.b.t.Helper(); return f.press(button(action)) }

// begin opens the kiosk's start page and begins a visit.
func (f *finger) begin(lang string) {
	f.b.t.Helper()
	f.eyes.path = f.b.state().Kiosk.URL + "/"
	f.Go(f.eyes.path)
	f.shown()
	f.picture("start")
	f.Touch(fmt.Sprintf(`button[formaction="/begin"][lang=%q]`, lang))
	f.Wait(`body[data-page="home"]`)
	f.eyes.path = uitest.Eval[string](f.Browser, "location.href")
	f.shown()
}

// toQuestions goes from home to the first question of a service; card is put in
// when the screen asks for it ("": none).
func (f *finger) toQuestions(service, card string) {
	f.b.t.Helper()
	f.act("apply")
	f.press(fmt.Sprintf(`button[value=%q]`, service))
	page := f.act("begin")
	for !strings.HasPrefix(page, "question/") {
		switch page {
		case "rules":
			// Two rules in a row are two pages of one name.
			text := f.eyes.text
			f.Touch(button("accept"))
			f.b.until("the page after the rule", func() bool { f.eyes.look(); return f.eyes.text != text }, func() string { return f.eyes.text })
			page = f.shown()
		case "card":
			f.b.card("insert", card)
			page = f.after("card")
		case "is-this-you":
			page = f.act("yes")
		default:
			f.b.t.Fatalf("on the way to the questions: page %s:\n%s", page, f.eyes.text)
		}
	}
}

// fill answers the questions until «check your answers».
func (f *finger) fill(answers map[string]string) {
	f.b.t.Helper()
	for page := f.eyes.page; page != "check"; {
		row, ok := strings.CutPrefix(page, "question/")
		if !ok {
			f.b.t.Fatalf("fill: on page %s:\n%s", page, f.eyes.text)
		}
		v := answers[row]
		kind := uitest.Eval[string](f.Browser, `document.querySelector(".choices") ? "choice" : document.querySelector(".date") ? "date" : document.querySelector("#f") ? "text" : "note"`)
		switch {
		case kind == "choice":
			f.Touch(fmt.Sprintf(`label:has(> input[value=%q])`, v))
		case kind == "date":
			d, err := time.Parse(time.DateOnly, v)
			if err != nil {
				f.b.t.Fatalf("%s: %v", row, err)
			}
			f.date(row, d)
		case kind == "text":
			f.write("#f", v)
			if row == "street" {
				f.picture("question")
			}
		}
		page = f.act("answer")
	}
}

func (f *finger) date(row string, d time.Time) {
	f.b.t.Helper()
	if f.plain {
		for part, layout := range map[string]string{"day": "2", "month": "1", "year": "2006"} {
			f.write(fmt.Sprintf(`[name="%s.%s"]`, row, part), d.Format(layout))
		}
		return
	}
	f.write(`[name="`+row+`.day"]`, d.Format("02")) // two digits each: the page goes on to the next field by itself
	f.keys(d.Format("012006"))
}

// write types text into the field; the page has put the focus there by itself.
func (f *finger) write(css, text string) {
	f.b.t.Helper()
	if text == "" {
		return
	}
	if f.plain {
		f.Type(css, text)
		return
	}
	f.Wait("#osk button")
	if !uitest.Eval[bool](f.Browser, fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, css)) {
		f.b.t.Errorf("the page has not put the focus into %s", css)
		f.Touch(css)
	}
	f.keys(text)
	if got := uitest.Eval[string](f.Browser, fmt.Sprintf(`document.querySelector(%q).value`, css)); got != text {
		f.b.t.Errorf("typed %q on the screen's keyboard, the field has %q", text, got)
	}
}

// keys types on the keyboard of the page, layer by layer as a person does.
func (f *finger) keys(text string) {
	f.b.t.Helper()
	for _, c := range text {
		if c == ' ' {
			f.Touch(`#osk [data-act="SPACE"]`)
			continue
		}
		for range 4 {
			if f.has(key(c)) {
				break
			}
			switch other := key(unicode.ToLower(c)); {
			case f.has(other), f.has(key(unicode.ToUpper(c))):
				f.Touch(`#osk [data-act="SHIFT"]`)
			case f.has(`#osk [data-act="SYM"]`):
				f.Touch(`#osk [data-act="SYM"]`)
			default:
				f.Touch(`#osk [data-act="ABC"]`)
			}
		}
		f.Touch(key(c))
	}
}

func key(c rune) string { return fmt.Sprintf(`#osk button[data-ch="%c"]`, c) }

func (f *finger) has(css string) bool {
	f.b.t.Helper()
	return uitest.Eval[bool](f.Browser, fmt.Sprintf(`document.querySelector(%q) !== null`, css))
}
