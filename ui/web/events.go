package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/penjire/penjire/ui/screen"
)

// liveTimes are the times of the event stream.
type liveTimes struct {
	beat  time.Duration // between signs of life when nothing changes
	write time.Duration // how long one write may take
}

var defaultLive = liveTimes{beat: 10 * time.Second, write: 5 * time.Second}

// event is what a page is told. It holds nothing personal: whether the page
// still looks as it was drawn, and the words of the footer.
type event struct {
	Rev    uint64         `json:"rev"`
	Page   string         `json:"page"` // screen.PageKey of the page as it is now
	Sum    string         `json:"sum"`
	Over   bool           `json:"over,omitempty"` // the visit is over: go to the start page
	Lights []screen.Light `json:"lights,omitempty"`
}

// events streams one event at once, so that a page that changed between its
// drawing and now is noticed, and then one for each change.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	visit := r.PathValue("visit")
	changes := s.c.Kiosk.Changes(r.Context())
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	send := func(text string) bool {
		// Not every writer knows deadlines; those of net/http do.
		if err := rc.SetWriteDeadline(time.Now().Add(s.live.write)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return false
		}
		_, err := fmt.Fprint(w, text)
		return err == nil && rc.Flush() == nil
	}
	tell := func(rev uint64) bool {
		e := s.event(r, visit, rev)
		b, err := json.Marshal(e)
		if err != nil {
			s.c.Log.Error("an event could not be written", "err", err)
			return false
		}
		return send(fmt.Sprintf("event: change\nid: %d\ndata: %s\n\n", rev, b)) && !e.Over
	}
	if !send("retry: 2000\n\n") || !tell(0) {
		return
	}
	beat := time.NewTicker(s.live.beat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if !send(": here\n\n") {
				return
			}
		case c, ok := <-changes:
			if !ok {
				return
			}
			if (c.Visit == "" || c.Visit == visit) && !tell(c.Rev) {
				return
			}
		}
	}
}

func (s *Server) event(r *http.Request, visit string, rev uint64) event {
	var v screen.View
	if visit == "" {
		v = s.startView(r)
	} else {
		var err error
		if v, err = s.c.Kiosk.View(r.Context(), visit); err != nil {
			return event{Rev: rev, Over: errors.Is(err, ErrVisitOver)}
		}
	}
	e := event{Rev: rev, Page: screen.PageKey(v), Lights: screen.Lights(v.Devices, v.Lang)}
	sum, err := s.sum(v)
	if err != nil {
		s.c.Log.Error("a page could not be drawn", "screen", v.Screen, "err", err)
	}
	e.Sum = sum
	return e
}
