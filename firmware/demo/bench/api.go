package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/penjire/penjire/drivers/emulator/printer"
)

// The bench as JSON. Every POST takes one JSON object, does what it says, and
// answers with the new state (as GET /api/state), or with {"error": "…"}:
// 400 what was asked makes no sense, 409 it cannot be done now, and nothing was
// done. Unknown keys are errors. Where a key is left out, nothing changes.
//
//	GET  /api/state              everything: State
//	GET  /api/events             the same, whenever it changes (server-sent events)
//	POST /api/card     {"action": "insert|remove|restore", "card": "citizen-1"}
//	                             insert takes out the card that was there; restore
//	                             gives a card's PIN its tries back
//	POST /api/reader   {"link": "plugged|unplugged", "fault": "pull-before|pull-after|mute|no-ack|damage|stale|late|garbage",
//	                    "at": "pin|sign"}
//	                             fault happens to the next command to the card; with
//	                             at, to the next that gives it the PIN or has it sign
//	POST /api/printer  {"paper": "ok|low|out|jam", "cover": "closed|open", "link": "plugged|unplugged",
//	                    "lie": "none|never-confirms|wrong-id|always-fine|deaf", "tear": true, "after_mm": 20}
//	                             after_mm: when so much more paper has been printed
//	GET  /api/printer/paper.png  the last paper (404: none yet); ?back=1 the one before
//	GET  /api/printer/roll.png   all papers, one below the other
//	POST /api/sheets   {"paper": "ok|low|out|jam", "cover": "closed|open", "toner": 70, "power": "lost", "link": "plugged|unplugged"}
//	                             the printer of A4 sheets; lost: its power fails for a moment,
//	                             and it knows no jobs any more
//	GET  /api/sheets/last.pdf    the last document that came out (404: none yet), a PDF or the PNG of a page; ?back=1 the one before
//	POST /api/scanner  {"show": "text", "paper": 0, "damage": true, "link": "plugged|unplugged"}
//	                             paper: the code on the paper so many before the last is held
//	                             before the scanner (409: it has none); damage: it is
//	                             misread on its way
//	POST /api/cabinet  {"door": "closed|open", "tamper": "whole|cut", "supply": "good|failing", "link": "plugged|unplugged"}
//	                             link is that of the I/O board to which all are wired
//	POST /api/notes    {"insert": 20, "trouble": "none|full|removed|jam|stacker-jam", "power": "on|off",
//	                    "link": "plugged|unplugged", "at": "escrow|ordered|moving|inside|reported"}
//	                             at: power or link goes when the next bill is there
//	POST /api/kiosk    {"board": "first|new"}
//	                             puts another board into the cabinet, and switches it on:
//	                             new is one that was just flashed and has to be enrolled
//	POST /api/code     {}        makes a one-time code for the new board, as the operator does
//	                             at the desk: State.Kiosk.Code
//	POST /api/enrol    {"code": "K7M4-…"}
//	                             types it (409: the kiosk waits for none, or it is no code)
//	POST /api/network  {"mode": "up|down|slow|mute"}
//	                             mute: what the kiosk sends arrives at the portal, what
//	                             the portal says is held until the mode changes
//	POST /api/power    {"action": "cut|on", "what": "kiosk|portal", "after_mm": 20}
//	                             cut: kill -9 of the kiosk (or of the portal), now or in
//	                             the middle of a paper; on: start it and wait until it is
//	                             ready
//	POST /api/clock    {"offset": "-24h"} or {"at": "1970-01-01T00:00:00Z"}
//	                             how the kiosk's machine clock differs from the true time

// limit is how long a body may be.
const limit = 64 << 10

func (b *Bench) handler() http.Handler {
	m := http.NewServeMux()
	b.pages(m)
	m.HandleFunc("GET /api/state", func(w http.ResponseWriter, r *http.Request) { b.answer(w, r) })
	m.HandleFunc("GET /api/events", b.events)
	m.HandleFunc("GET /api/printer/paper.png", b.paperPNG)
	m.HandleFunc("GET /api/printer/roll.png", func(w http.ResponseWriter, _ *http.Request) {
		picture(w, b.hands.printer.WriteRoll)
	})
	post(b, m, "/api/card", b.postCard)
	post(b, m, "/api/reader", b.postReader)
	post(b, m, "/api/printer", func(_ context.Context, o printerOrder) error { return asked(b.hands.order(o)) })
	m.HandleFunc("GET /api/sheets/last.pdf", b.sheet)
	post(b, m, "/api/sheets", b.postSheets)
	post(b, m, "/api/scanner", b.postScanner)
	post(b, m, "/api/cabinet", b.postCabinet)
	post(b, m, "/api/notes", b.postNotes)
	post(b, m, "/api/kiosk", b.postKiosk)
	post(b, m, "/api/code", b.postCode)
	post(b, m, "/api/enrol", b.postEnrol)
	post(b, m, "/api/network", b.postNetwork)
	post(b, m, "/api/power", b.postPower)
	post(b, m, "/api/clock", b.postClock)
	return guard(http.NewCrossOriginProtection().Handler(m))
}

// guard keeps pages from elsewhere out: by name (a foreign name that leads to
// loopback) and by header.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "misdirected request", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// badRequest is an order that makes no sense.
type badRequest struct{ error }

// asked marks err as the asker's fault.
func asked(err error) error {
	if err == nil {
		return nil
	}
	return badRequest{err}
}

// post serves one kind of order.
func post[T any](b *Bench, m *http.ServeMux, path string, do func(context.Context, T) error) {
	m.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var order T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
		d.DisallowUnknownFields()
		err := d.Decode(&order)
		if err != nil {
			err = badRequest{fmt.Errorf("read the order: %w", err)}
		} else {
			err = do(r.Context(), order)
		}
		b.watch.Wake()
		if err != nil {
			status := http.StatusConflict
			if errors.As(err, new(badRequest)) {
				status = http.StatusBadRequest
			}
			send(w, status, map[string]string{"error": err.Error()})
			return
		}
		b.answer(w, r)
	})
}

func (b *Bench) answer(w http.ResponseWriter, r *http.Request) {
	send(w, http.StatusOK, b.State(r.Context()))
}

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the asker may have gone
}

type cardOrder struct {
	Action string `json:"action"`
	Card   string `json:"card"`
}

func (b *Bench) postCard(_ context.Context, o cardOrder) error {
	switch o.Action {
	case "insert":
		return asked(b.hands.insert(o.Card))
	case "remove":
		b.hands.remove()
		return nil
	case "restore":
		return asked(b.hands.restore(o.Card))
	}
	return badRequest{fmt.Errorf("action: got %q, want insert, remove or restore", o.Action)}
}

type readerOrder struct {
	Link  string `json:"link"`
	Fault string `json:"fault"`
	At    string `json:"at"`
}

func (b *Bench) postReader(_ context.Context, o readerOrder) error {
	f, ok := readerFaults[o.Fault]
	if o.Fault != "" && !ok {
		return badRequest{fmt.Errorf("fault: got %q, want one of those that api.go lists", o.Fault)}
	}
	at, known := readerMoments[o.At]
	if o.At != "" && (!known || !ok) {
		return badRequest{fmt.Errorf("at: got %q, want pin or sign, and only with a fault", o.At)}
	}
	if err := plug(b.hands.reader, o.Link); err != nil {
		return asked(err)
	}
	switch {
	case known:
		b.hands.chip.InjectAt(at, f)
	case ok:
		b.hands.chip.Inject(f)
	}
	return nil
}

func (b *Bench) paperPNG(w http.ResponseWriter, r *http.Request) {
	back := 0
	if s := r.URL.Query().Get("back"); s != "" {
		var err error
		if back, err = strconv.Atoi(s); err != nil || back < 0 {
			http.Error(w, "back: want 0 or more", http.StatusBadRequest)
			return
		}
	}
	p := b.paper(back)
	if p == nil {
		http.Error(w, "no paper yet", http.StatusNotFound)
		return
	}
	picture(w, p.WritePNG)
}

// paper returns the paper that came out so many before the last; nil if none.
func (b *Bench) paper(back int) *printer.Paper {
	all := b.hands.printer.Papers()
	if h := b.hands.printer.Hanging(); h != nil {
		all = append(all, h)
	}
	if back >= len(all) {
		return nil
	}
	return all[len(all)-1-back]
}

func picture(w http.ResponseWriter, write func(io.Writer) error) {
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "no-store")
	_ = write(w) // the asker may have gone
}
