package bench

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/http"
	"strconv"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
	"github.com/penjire/penjire/drivers/pwgraster"
)

// sheets is the printer of A4 sheets.
type sheets struct {
	*ippprinter.Printer
	port *ippprinter.Port
	// What hands set.
	paper device.Paper
	open  bool
	toner int
}

// SheetsState is the printer of sheets.
type SheetsState struct {
	Link  string `json:"link"`
	Paper string `json:"paper"` // ok, low, out, jam
	Cover string `json:"cover"` // closed, open
	Toner int    `json:"toner"` // percent
	Jobs  int    `json:"jobs"`  // that wait or print
	Out   int    `json:"out"`   // documents that came out since the bench started
}

// sheetsOrder is the body of POST /api/sheets.
type sheetsOrder struct {
	Link  string `json:"link"`
	Paper string `json:"paper"`
	Cover string `json:"cover"`
	Toner *int   `json:"toner"`
	Power string `json:"power"` // lost: off and on again, and it knows no jobs any more
}

func (b *Bench) postSheets(_ context.Context, o sheetsOrder) error {
	paper, known := paperWords[o.Paper]
	switch {
	case o.Paper != "" && !known:
		return badRequest{fmt.Errorf("paper: got %q, want ok, low, out or jam", o.Paper)}
	case o.Cover != "" && o.Cover != "closed" && o.Cover != "open":
		return badRequest{fmt.Errorf("cover: got %q, want closed or open", o.Cover)}
	case o.Toner != nil && (*o.Toner < 0 || *o.Toner > 100):
		return badRequest{fmt.Errorf("toner: got %d, want 0 to 100", *o.Toner)}
	case o.Power != "" && o.Power != "lost":
		return badRequest{fmt.Errorf("power: got %q, want lost", o.Power)}
	case o.Link != "" && o.Link != "plugged" && o.Link != "unplugged":
		return badRequest{fmt.Errorf("link: got %q, want plugged or unplugged", o.Link)}
	}
	h := b.hands
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.sheets
	if known {
		s.paper = paper
		s.SetPaper(paper)
	}
	if o.Cover != "" {
		s.open = o.Cover == "open"
		s.SetCover(device.Cover(o.Cover))
	}
	if o.Toner != nil {
		s.toner = *o.Toner
		s.SetToner(s.toner)
	}
	if o.Power != "" {
		s.LosePower()
	}
	switch o.Link {
	case "plugged":
		return s.port.Replug()
	case "unplugged":
		return s.port.Unplug()
	}
	return nil
}

func (s *sheets) state() SheetsState {
	out := SheetsState{Link: "unplugged", Paper: paperWord(s.paper), Cover: "closed", Toner: s.toner, Jobs: s.Jobs(), Out: len(s.Prints())}
	if s.port.Plugged() {
		out.Link = "plugged"
	}
	if s.open {
		out.Cover = "open"
	}
	return out
}

// sheet serves the document that came out so many before the last: a PDF as it was
// sent, and of pictures the first page.
func (b *Bench) sheet(w http.ResponseWriter, r *http.Request) {
	back, err := strconv.Atoi(r.URL.Query().Get("back"))
	if r.URL.Query().Get("back") == "" {
		back, err = 0, nil
	}
	if err != nil || back < 0 {
		http.Error(w, "back: want 0 or more", http.StatusBadRequest)
		return
	}
	all := b.hands.sheets.Prints()
	if back >= len(all) {
		http.Error(w, "no sheet yet", http.StatusNotFound)
		return
	}
	p := all[len(all)-1-back]
	w.Header().Set("Cache-Control", "no-store")
	if p.Format == "image/pwg-raster" { // which no browser shows
		_, m, err := pwgraster.NewDecoder(bytes.NewReader(p.Data)).Decode()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_ = png.Encode(w, m) // the asker may have gone
		return
	}
	w.Header().Set("Content-Type", p.Format)
	_, _ = bytes.NewReader(p.Data).WriteTo(w) // the asker may have gone
}
