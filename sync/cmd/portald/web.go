package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/desk"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/portal/public"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/ui/asset"
)

// alarmsShown is how many alarms /api/state gives.
const alarmsShown = 20

// pages is everything on the web address.
func (l *loaded) pages(p *portal.Portal, roll *rollout.Rollout, issues *est.Service, log *slog.Logger) (http.Handler, error) {
	c := desk.Config{Portal: p, Rollout: roll, Officers: l.officers, Bundle: p.Trust, Troubles: p.Troubles, Silent: l.silent, Log: log}
	if issues != nil {
		c.Certificates = issues
	}
	d, err := desk.New(c)
	if err != nil {
		return nil, err
	}
	pub, err := public.New(public.Config{Portal: p, Bundle: p.Trust, Roots: l.config.Roots, Log: log})
	if err != nil {
		return nil, err
	}
	m := http.NewServeMux()
	m.Handle("/", pub)
	m.Handle("/desk/", d)
	m.Handle("/api/desk/", d)
	m.Handle("/api/stick", d)
	m.Handle("/asset/", page.Assets(asset.FS))
	m.Handle("/tsa", l.tsa)
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { healthz(w, r, p) })
	m.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { metrics(w, r, p, log) })
	m.HandleFunc("GET /api/state", func(w http.ResponseWriter, r *http.Request) { apiState(w, r, p, log) })
	return m, nil
}

// healthz is 200 if the ledger answers in time, with what an operator has to mend: the
// portal has what it has, and serves, so that is no reason to take it out.
func healthz(w http.ResponseWriter, r *http.Request, p *portal.Portal) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	// Something small: a count goes through all requests.
	if _, _, err := p.Ledger().Broadcasted(ctx, ledger.ItemTrust); err != nil {
		http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
		return
	}
	var say strings.Builder
	say.WriteString("ok")
	if p.Disk().Full {
		say.WriteString(", but no room for requests")
	}
	for _, t := range p.Troubles() {
		say.WriteString(", but " + troubleSays[t.What])
	}
	_, _ = w.Write([]byte(say.String() + "\n"))
}

// troubleSays is what everybody is told of a trouble; operators see more at the desk.
var troubleSays = map[string]string{
	portal.TroubleTrust:   "a new trust bundle was refused",
	portal.TroubleTLS:     "the certificate for kiosks wants to be renewed",
	portal.TroubleDevices: "a new list of kiosks' centres was refused",
}

// state is GET /api/state. Nothing in it is personal.
type state struct {
	Requests  map[ledger.State]int `json:"requests"`
	Kiosks    []ledger.Kiosk       `json:"kiosks"`
	Connected []string             `json:"connected"`
	Alarms    []ledger.Alarm       `json:"alarms"`
	Catalogue uint64               `json:"catalogue"`
	Trust     uint64               `json:"trust"`
	Disk      portal.Disk          `json:"disk"`
	SentBack  int64                `json:"sent_back"` // frames and sessions over a quota or for want of room, since the start
	Away      int                  `json:"away"`      // kiosks that were asked to come back later
	Troubles  []string             `json:"troubles"`  // portal.Troubles that there are
}

func apiState(w http.ResponseWriter, r *http.Request, p *portal.Portal, log *slog.Logger) {
	s := state{
		Connected: p.Connected(), Catalogue: p.Catalogue().Version, Trust: p.Trust().Version,
		Disk: p.Disk(), SentBack: p.SentBack(), Away: p.Away(), Troubles: []string{},
	}
	for _, t := range p.Troubles() {
		s.Troubles = append(s.Troubles, t.What)
	}
	var err error
	if s.Requests, err = p.Ledger().Counts(r.Context()); err == nil {
		if s.Kiosks, err = p.Ledger().Kiosks(r.Context()); err == nil {
			s.Alarms, err = p.Ledger().Alarms(r.Context(), alarmsShown)
		}
	}
	if err != nil {
		log.Error("portald: state", "err", err)
		http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(s); err != nil {
		log.Debug("portald: state", "err", err) // who asked has gone
	}
}
