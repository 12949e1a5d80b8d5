package bench

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/ui/uitest"
)

// The page in a browser: its buttons do what they say, the kiosk's screen is in
// its frame, nothing breaks the page's own rules, and axe finds nothing.
func TestPageInBrowser(t *testing.T) {
	r := start(t)
	b := uitest.Open(t, 1680, 1050, 4.2)
	b.Go(r.url)
	b.Wait("#cards .card")
	until(t, "the state reaches the page", func() bool {
		return uitest.Eval[string](b, `document.getElementById("queue-word").textContent`) == "2 not yet received"
	})

	b.Click(`[data-card="citizen-1"]`)
	until(t, "the card is in the reader", func() bool { return r.state().Devices.Reader.Card == "citizen-1" })
	b.Wait(`[data-card="citizen-1"][aria-pressed="true"]`)
	b.Click(`[data-card="citizen-1"]`)
	until(t, "the card is out again", func() bool { return r.state().Devices.Reader.Card == "" })
	b.Click(`[data-net="down"]`)
	until(t, "the network is cut", func() bool { return r.state().Network.Mode == "down" })
	b.Click(`[data-paper="out"]`)
	b.Click(`[data-cover="open"]`)
	b.Click(`#reader-link`)
	until(t, "no paper, cover open, reader unplugged", func() bool {
		d := r.state().Devices
		return d.Printer.Paper == "out" && d.Printer.Cover == "open" && d.Reader.Link == "unplugged"
	})
	until(t, "the page says so too", func() bool {
		return uitest.Eval[string](b, `document.getElementById("reader-link").textContent`) == "Plug reader in"
	})
	b.Click(`#reader-link`)
	until(t, "the reader is plugged in", func() bool { return r.state().Devices.Reader.Link == "plugged" })
	b.Click(`[data-clock="-24h"]`)
	until(t, "the clock is a day back", func() bool { return r.state().Clock.Offset == "-24h0m0s" })
	b.Click(`#power`)
	until(t, "the power is off, and the screen dark", func() bool {
		return !r.state().Kiosk.Running && !uitest.Eval[bool](b, `document.getElementById("dark").hidden`)
	})
	if got := uitest.Eval[string](b, `document.getElementById("queue-word").textContent`); got != "not known" {
		t.Errorf("without power the page says %q of the queue, want not known", got)
	}
	b.Click(`[data-do="power-on"]`)
	until(t, "the power is on", func() bool { return r.state().Kiosk.Running })

	for _, v := range b.Axe() {
		t.Errorf("axe: %s", v)
	}
	// While the power was off the frame could not load, and must not.
	// axe posts messages into frames, and the kiosk's is of another origin.
	bad := slices.DeleteFunc(b.Messages(), func(m string) bool {
		return strings.Contains(m, "ERR_CONNECTION_REFUSED") || strings.Contains(m, "'postMessage'")
	})
	if len(bad) > 0 {
		t.Errorf("the browser complains: %q; the page says %q", bad, uitest.Eval[string](b, `document.getElementById("oops").textContent`))
	}
}

// The kiosk's screen may stand in the bench's frame, and in nobody else's.
func TestFrame(t *testing.T) {
	r := start(t)
	resp, err := http.Get(r.state().Kiosk.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want := "frame-ancestors " + strings.TrimSuffix(r.url, "/") + " "
	if got := resp.Header.Get("Content-Security-Policy"); !strings.Contains(got, want) {
		t.Errorf("the kiosk's policy = %q, want %q in it", got, want)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
