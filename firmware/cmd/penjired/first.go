package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/firmware/commission"
	"github.com/penjire/penjire/firmware/hardware"
	"github.com/penjire/penjire/firmware/kiosk/pagefile"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/panel"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/ui/web"
)

// firstStart opens the first start of the kiosk in that folder. onto is the folder of
// the panel's statements.
func firstStart(dir, onto string, s settings.Settings, log *slog.Logger) (*commission.Wizard, error) {
	v, _ := build()
	o := commission.Options{
		Dir: dir, Number: s.Kiosk, Place: s.Place.TK, Board: s.Board, Version: v, Portal: s.Portal.URL, Phone: s.Phone, Stick: s.Stick, Log: log,
		Hardware: func() (hardware.Report, error) { return hardware.LookHere(s.Board) }, Joined: networkOnPanel(onto, log),
	}
	if r, err := release(); err == nil {
		o.Developer = r.Developer
	}
	m, err := network.Open()
	if err != nil {
		log.Info("the network is left as it is", "err", err) // a bench has no NetworkManager
	} else {
		o.Networks = m // it is open as long as the daemon runs
	}
	return commission.Open(o)
}

// sayPhone has the panel show who helps, whatever else it shows.
func sayPhone(onto, phone string, log *slog.Logger) {
	if phone == "" {
		return
	}
	if err := panel.Say(onto, "phone", panel.Statement{Phone: phone}); err != nil {
		log.Debug("the panel", "err", err) // there is none on a bench
	}
}

// pages are the screens of a kiosk that is not enrolled yet.
type pages struct {
	file string    // that is written whenever a page was painted; "": none
	out  io.Writer // is told where they are, as one JSON line

	srv  *http.Server
	stop context.CancelFunc // of its streams of events
	// kept is where they listen. The kiosk goes on listening there: a page that asks
	// while it opens waits, and gets no refusal, which a browser would show for ever.
	kept net.Listener
}

// begin serves the pages of w where the kiosk's screens will be.
func (p *pages) begin(s settings.Settings, w *commission.Wizard, log *slog.Logger) error {
	l, err := net.Listen("tcp", s.Listen)
	if err == nil {
		p.kept, err = again(l)
	}
	if err != nil {
		return fmt.Errorf("listen for the screen: %w", err)
	}
	c := web.Config{Kiosk: w.Alone(), MMPx: s.MM, Frame: s.Frames, Log: log, Painted: func() {
		if p.file == "" {
			return
		}
		// Nothing of a citizen is on these pages: the browser may stay.
		if err := pagefile.Write(p.file, pagefile.Page{}); err != nil {
			log.Warn("nobody is told that a page was painted", "err", err)
		}
	}}
	if b, err := board.Load(s.Board); err == nil { // else it is told when the kiosk opens
		c.Width, c.Height = b.Display.Width, b.Display.Height
		if c.MMPx == 0 {
			c.MMPx = b.Display.PxPerMM
		}
	}
	var life context.Context
	life, p.stop = context.WithCancel(context.Background())
	p.srv = &http.Server{
		Handler: web.NewServer(c), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, BaseContext: func(net.Listener) context.Context { return life },
	}
	go func() {
		if err := p.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the first start's screens ended", "err", err)
		}
	}()
	if p.out == nil {
		return nil
	}
	b, err := json.Marshal(map[string]any{"kiosk": s.Kiosk, "screens": "http://" + l.Addr().String() + "/", "control": s.Control, "first": true})
	if err != nil {
		return fmt.Errorf("say where the screens are: %w", err)
	}
	_, _ = fmt.Fprintf(p.out, "%s\n", b) // nobody may be listening
	return nil
}

// again is the same place to listen, which stays when l is closed.
func again(l net.Listener) (net.Listener, error) {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("%s is no TCP address", l.Addr())
	}
	f, err := t.File()
	if err != nil {
		return nil, err
	}
	kept, err := net.FileListener(f)
	return kept, errors.Join(err, f.Close())
}

// end stops serving them: the kiosk's own come in their place.
func (p *pages) end() {
	if p.srv == nil {
		return
	}
	p.stop()
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if p.srv.Shutdown(grace) != nil {
		_ = p.srv.Close() // whoever is still connected had their time
	}
}

// opened opens the first start of a kiosk that has settings, unless enrolment did.
func opened(w *commission.Wizard, path string, s settings.Settings, log *slog.Logger) (*commission.Wizard, error) {
	if w != nil {
		return w, nil
	}
	return firstStart(filepath.Dir(path), panel.Dir, s, log)
}

// tend runs the first start beside the kiosk; the function that it returns waits for
// its end.
func tend(ctx context.Context, w *commission.Wizard) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	return func() { <-done }
}
