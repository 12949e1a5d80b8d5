package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/demo/wan"
)

// State is the answer of GET /api/state. What cannot be known now is null:
// nothing of an earlier time is shown as if it were so still.
type State struct {
	Kiosk   KioskState     `json:"kiosk"`
	Portal  PortalState    `json:"portal"`
	Desk    DeskState      `json:"desk"`
	Queue   map[string]int `json:"queue"`   // requests by state; null: the kiosk does not say
	Journal *Journal       `json:"journal"` // null: the kiosk does not say
	Devices Devices        `json:"devices"`
	Cards   []CardState    `json:"cards"`
	Network wan.Status     `json:"network"`
	Clock   ClockState     `json:"clock"`
	Dir     string         `json:"dir"`
}

// Place is where a page is.
type Place struct {
	URL string `json:"url"`
}

// DeskState is the agencies' desk, and who may sign in there.
type DeskState struct {
	Place
	Officers []string `json:"officers"`
	Password string   `json:"password"` // every officer's
}

// KioskState is the kiosk: its screens' address, its process, and what it says
// of itself on its control socket, as it says it (null: nothing).
type KioskState struct {
	Place
	processState
	Board   string          `json:"board"` // first; new: one that had to be enrolled, or has to be
	Control string          `json:"control"`
	Says    json.RawMessage `json:"says"`
	Enrol   json.RawMessage `json:"enrol"` // how far its enrolment is, as it says; null: it waits for none
	Code    string          `json:"code"`  // the last one-time code that was made here; "": none
	Log     []string        `json:"log"`   // its last lines
}

// PortalState is the portal: the public pages' address, its process, and what
// it says of itself.
type PortalState struct {
	Place
	processState
	Sync string          `json:"sync"` // where kiosks connect, behind the network
	Says json.RawMessage `json:"says"`
	Log  []string        `json:"log"`
}

// Journal is the kiosk's journal.
type Journal struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex
}

// Devices are the emulated devices as eyes see them, not as the kiosk does.
type Devices struct {
	Reader  ReaderState  `json:"reader"`
	Printer PrinterState `json:"printer"`
	Sheets  SheetsState  `json:"sheets"`
	Scanner ScannerState `json:"scanner"`
	Cabinet CabinetState `json:"cabinet"`
	Notes   NotesState   `json:"notes"`
}

// ReaderState is the card reader.
type ReaderState struct {
	Link string `json:"link"` // plugged, unplugged
	Card string `json:"card"` // the card in it; "" none
	// Faults are those of POST /api/reader that have not happened yet.
	Faults int `json:"faults"`
}

// PrinterState is the receipt printer.
type PrinterState struct {
	Link     string `json:"link"`
	Paper    string `json:"paper"` // ok, low, out, jam
	Cover    string `json:"cover"` // closed, open
	Printing bool   `json:"printing"`
	Papers   int    `json:"papers"` // finished since the bench started
}

// CardState is one specimen card.
type CardState struct {
	Name   string `json:"name"`
	Holder string `json:"holder"`
	PIN    string `json:"pin"`
	Tries  int    `json:"tries"` // left
}

// ClockState is the kiosk's machine clock.
type ClockState struct {
	Offset string    `json:"offset"` // from the true time
	Time   time.Time `json:"time"`
}

// State returns how everything is.
func (b *Bench) State(ctx context.Context) State {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s := State{
		Kiosk:   KioskState{Place: Place{b.screenURL()}, processState: b.kiosk.state(), Board: b.boardName(), Control: b.board.Load().Control(), Log: b.kioskLog.last()},
		Portal:  PortalState{Place: Place{b.publicURL()}, processState: b.portal.state(), Sync: b.portal.word("sync"), Log: b.portalLog.last()},
		Desk:    DeskState{Place: Place{b.publicURL() + "desk/"}, Password: demo.OfficerPassword},
		Network: b.relay.Status(),
		Dir:     b.world.Dir,
	}
	for _, o := range demo.Officers {
		s.Desk.Officers = append(s.Desk.Officers, o.ID)
	}
	b.hands.fill(&s)
	if s.Kiosk.Running {
		s.Kiosk.Says = ask(ctx, b.control, "http://kiosk/state")
		if s.Kiosk.Says == nil {
			s.Kiosk.Enrol = ask(ctx, b.control, "http://kiosk/enrol")
		}
	}
	if c := b.code.Load(); c != nil {
		s.Kiosk.Code = *c
	}
	if s.Portal.Running && b.portal.word("web") != "" {
		s.Portal.Says = ask(ctx, http.DefaultClient, b.publicURL()+"api/state")
	}
	var says struct {
		Queue struct {
			ByState map[string]int `json:"by_state"`
		} `json:"queue"`
		Journal *Journal `json:"journal"`
	}
	if s.Kiosk.Says != nil && json.Unmarshal(s.Kiosk.Says, &says) == nil {
		s.Queue, s.Journal = says.Queue.ByState, says.Journal
	}
	return s
}

// ask gets a JSON document; nil when there is none to be had.
func ask(ctx context.Context, c *http.Client, url string) json.RawMessage {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK || !json.Valid(body) {
		return nil
	}
	return body
}

// controlClient talks HTTP over the kiosk's control socket.
func controlClient(socket func() string) *http.Client {
	return &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket())
		},
		DisableKeepAlives: true, // the other end may be cut off at any moment
	}}
}

// fill puts into s what the hands know.
func (h *hands) fill(s *State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.printer.State()
	s.Devices = Devices{
		Reader: ReaderState{Link: plugged(h.reader), Card: h.inside, Faults: h.chip.Planned()},
		Printer: PrinterState{
			Link: plugged(h.paper), Paper: paperWord(p.Paper), Cover: string(p.Cover), Printing: p.Printing, Papers: p.Papers,
		},
		Sheets:  h.sheets.state(),
		Scanner: ScannerState{Link: plugged(h.scanner.line), Lit: h.scanner.Lit()},
		Cabinet: h.cabinet.state(),
		Notes:   h.notes.state(),
	}
	for _, name := range h.world.Cards {
		c := h.cards[name]
		s.Cards = append(s.Cards, CardState{name, c.holder, c.pin, c.TriesLeft()})
	}
	s.Clock = ClockState{h.offset.String(), time.Now().Add(h.offset).Truncate(time.Second)}
}

func (b *Bench) screenURL() string { return fmt.Sprintf("http://%s/", b.screen) }
func (b *Bench) publicURL() string { return fmt.Sprintf("http://%s/", b.public) }
